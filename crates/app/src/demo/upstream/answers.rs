//! What the demo's tools say: the same each time, but for the ids of what they pretend to start.

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The result of a `tools/call`; none for a tool that is not there.
pub(super) fn call(params: &Value) -> Option<Value> {
    let name = params["name"].as_str()?;
    let tool = catalog::circleci_tools()
        .iter()
        .find(|tool| tool["name"] == name)?;
    let given = params.get("arguments").unwrap_or(&Value::Null);
    if let Err(wrong) = check(&tool["inputSchema"], given) {
        return Some(failed(&wrong));
    }
    let empty = Map::new();
    let given = given["params"].as_object().unwrap_or(&empty);
    Some(match say(name, given) {
        Ok(text) => json!({ "content": [{ "type": "text", "text": text }] }),
        Err(wrong) => failed(&wrong),
    })
}

fn failed(text: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": text }], "isError": true })
}

fn say(tool: &str, given: &Map<String, Value>) -> Result<String, String> {
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    let project = text("projectSlug").unwrap_or("gh/acme/shop");
    let branch = text("branch").unwrap_or("main");
    Ok(match tool {
        "list_followed_projects" => {
            "Projects followed:\n1. shop (projectSlug: gh/acme/shop)\n2. billing (projectSlug: \
             gh/acme/billing)\n3. website (projectSlug: gh/acme/website)"
                .into()
        }
        "get_latest_pipeline_status" => format!(
            "Pipeline 1842 of {project} on {branch}\n- build: success, 3 min 12 s\n- test: failed, 5 \
             min 40 s\n- deploy: not run"
        ),
        "get_build_failure_logs" => format!(
            "{project} on {branch}, job test (18423), step `cargo test`, exit code 101\n\n---- \
             checkout::total_includes_tax stdout ----\nassertion failed: left: 1190, right: 1191"
        ),
        "find_flaky_tests" => format!(
            "{project} has 2 flaky tests:\n- cart::survives_a_restart, flaked 7 times, job test\n- \
             search::ranks_by_age, flaked 3 times, job test"
        ),
        "get_job_test_results" => format!(
            "{project} on {branch}, job test (18423): 412 passed, 1 failed\n- \
             checkout::total_includes_tax: assertion failed: left: 1190, right: 1191"
        ),
        "config_helper" => "The configuration is valid.".into(),
        "run_pipeline" => {
            format!(
                "Pipeline 1843 of {project} started on {branch}: {}",
                Uuid::now_v7()
            )
        }
        "rerun_workflow" => {
            let workflow = match (text("workflowId"), text("workflowURL")) {
                (Some(id), _) => Uuid::try_parse(id).map_err(|_| "workflowId is not a UUID")?,
                (None, Some(_)) => Uuid::nil(),
                (None, None) => return Err("workflowId or workflowURL is required".into()),
            };
            let from = match given.get("fromFailed") {
                Some(Value::Bool(true)) => "its failed jobs",
                _ => "the start",
            };
            format!(
                "Workflow {workflow} runs again from {from}, as {}.",
                Uuid::now_v7()
            )
        }
        "list_artifacts" => format!(
            "{project} on {branch}, pipeline 1842:\n- coverage/index.html\n- target/release/shop"
        ),
        "list_component_versions" => "shop: 2.14.1 (live), 2.14.0, 2.13.9".into(),
        "run_rollback_pipeline" => format!("Rollback started: {}", Uuid::now_v7()),
        "download_usage_api_data" => format!("The export {} is being prepared.", Uuid::now_v7()),
        "find_underused_resource_classes" => {
            "shop/test runs on large and uses 18 % of its CPU; medium would do.".into()
        }
        other => return Err(format!("{other} has nothing to say")),
    })
}

/// The schema's fields, required fields and types, two levels deep: all that these tools have.
fn check(schema: &Value, given: &Value) -> Result<(), String> {
    let empty = Map::new();
    let given = match given {
        Value::Null => &empty,
        Value::Object(given) => given,
        _ => return Err("arguments must be an object".into()),
    };
    let known = schema["properties"].as_object().unwrap_or(&empty);
    let required = schema["required"].as_array().into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        if !given.contains_key(name) {
            return Err(format!("{name} is required"));
        }
    }
    for (name, value) in given {
        let schema = known
            .get(name)
            .ok_or_else(|| format!("{name} is not a field of this tool"))?;
        let fits = match schema["type"].as_str() {
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("number" | "integer") => value.is_number(),
            Some("array") => value.is_array(),
            Some("object") => {
                if schema["properties"].is_object() {
                    check(schema, value)?;
                }
                value.is_object()
            }
            _ => true,
        };
        if !fits {
            return Err(format!("{name} must be of type {}", schema["type"]));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, arguments: &Value) -> (bool, String) {
        let result = call(&json!({ "name": name, "arguments": arguments })).expect("it is known");
        let text = result["content"][0]["text"]
            .as_str()
            .expect("text")
            .to_owned();
        (result["isError"] == true, text)
    }

    #[test]
    fn every_tool_has_something_to_say() {
        for tool in catalog::circleci_tools() {
            let name = tool["name"].as_str().unwrap();
            let (_, text) = said(name, &json!({}));
            assert!(!text.contains("nothing to say"), "{name}");
        }
        assert!(call(&json!({ "name": "no_such_tool" })).is_none());
    }

    #[test]
    fn a_rerun_wants_its_workflow() {
        let id = "8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11";
        let (wrong, text) = said("rerun_workflow", &json!({ "params": { "workflowId": id } }));
        assert!(!wrong && text.starts_with(&format!("Workflow {id} runs again from the start")));
        for bad in [
            json!({}),
            json!({ "params": { "workflowId": "x" } }),
            json!({ "params": { "workflowId": 1 } }),
            json!({ "workflowId": id }),
            json!({ "params": { "workflowId": id, "colour": "red" } }),
            json!([]),
        ] {
            assert!(said("rerun_workflow", &bad).0, "{bad}");
        }
    }
}
