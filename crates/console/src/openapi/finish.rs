//! What every operation has in common, said once: names, security, refusals, headers, examples.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, ContentBuilder, Header, HttpMethod, Info, License, OpenApi, Ref,
        RefOr, Response, ResponseBuilder, Schema, Server, Tag,
        path::Operation,
        schema::{ObjectBuilder, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::api::Problem;

const SECURITY: &str = "api_key";

/// The tag of the operations that need no key.
const PUBLIC: &str = "catalogue";

const TAGS: [(&str, &str); 6] = [
    (
        "servers",
        "The MCP servers behind Tollgate, and the tools they have.",
    ),
    (
        "policies",
        "What may be called: documents, their versions, and what they would decide.",
    ),
    (
        "grants",
        "Who may call: one token for one agent and one server.",
    ),
    ("audit", "What agents asked for and what was decided."),
    (
        "organisation",
        "The organisation, its API keys and what was changed in it.",
    ),
    (
        PUBLIC,
        "Known MCP servers and their tools. Public: no key is needed.",
    ),
];

/// Refusals that many operations share: status, name in the document, what it means.
const REFUSALS: [(&str, &str, &str); 9] = [
    (
        "400",
        "BadRequest",
        "The body is not JSON, or a query parameter or header is not valid.",
    ),
    (
        "401",
        "Unauthenticated",
        "No API key, or none that is valid now.",
    ),
    ("403", "Forbidden", "The key's role does not allow it."),
    ("404", "NotFound", "There is nothing here by that name."),
    (
        "412",
        "Stale",
        "It changed since the revision that `If-Match` names.",
    ),
    ("413", "BodyTooLarge", "The body is larger than 1 MiB."),
    (
        "415",
        "UnsupportedMediaType",
        "The body is not `application/json`.",
    ),
    (
        "422",
        "Invalid",
        "The body is JSON, and a field cannot be taken as it is.",
    ),
    ("default", "Problem", "Something else stood in the way."),
];

pub(super) fn finish(document: &mut OpenApi) {
    let mut info = Info::new("Tollgate admin API", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Servers, policies, grants and the audit log of one organisation, for programs.\n\nTimes \
         are RFC 3339 in UTC, ids carry a prefix, lists are read page by page with `next_cursor`. \
         Fields and query parameters that are not listed here are refused. Everything that goes \
         wrong is answered as `application/problem+json` (RFC 9457)."
            .into(),
    );
    info.license = Some(License::new("Apache-2.0"));
    document.info = info;
    document.servers = Some(vec![Server::new("/")]);
    document.tags = Some(TAGS.map(tag).into());

    let components = document.components.get_or_insert_with(Components::new);
    components
        .schemas
        .insert(Problem::name().into_owned(), Problem::schema());
    let mut inner = Vec::new();
    Problem::schemas(&mut inner);
    components.schemas.extend(inner);
    for (status, name, meaning) in REFUSALS {
        components
            .responses
            .insert(name.into(), refusal(status, meaning).into());
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An API key, `tg_key_…`. Browser sessions are not accepted.",
        ));
    components.add_security_scheme(SECURITY, SecurityScheme::Http(bearer.build()));
    let schemas = components.schemas.clone();

    for (path, item) in &mut document.paths.paths {
        for (method, operation) in [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Patch, &mut item.patch),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Delete, &mut item.delete),
        ] {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_id(&method, path));
                complete(operation, path, &schemas);
            }
        }
    }
}

fn tag((name, description): (&str, &str)) -> Tag {
    let mut tag = Tag::new(name);
    tag.description = Some(description.into());
    tag
}

/// `post_servers_by_id_discover`: unique, and as stable as the path.
fn operation_id(method: &HttpMethod, path: &str) -> String {
    let method = match method {
        HttpMethod::Get => "get",
        HttpMethod::Post => "post",
        HttpMethod::Patch => "patch",
        HttpMethod::Put => "put",
        _ => "delete",
    };
    let path = path.strip_prefix(crate::api::BASE).unwrap_or(path);
    let words = path.split('/').filter(|word| !word.is_empty()).map(|word| {
        match word
            .strip_prefix('{')
            .and_then(|word| word.strip_suffix('}'))
        {
            Some(parameter) => format!("by_{parameter}"),
            None => word.replace('-', "_"),
        }
    });
    std::iter::once(method.to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join("_")
}

fn complete(operation: &mut Operation, path: &str, schemas: &BTreeMap<String, RefOr<Schema>>) {
    if operation.description.is_none() {
        operation.description.clone_from(&operation.summary);
    }
    let public = operation.tags.iter().flatten().any(|tag| tag == PUBLIC);
    operation.security = Some(if public {
        Vec::new()
    } else {
        vec![SecurityRequirement::new(
            SECURITY,
            std::iter::empty::<&str>(),
        )]
    });
    let conditional =
        operation.parameters.iter().flatten().any(
            |parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == "If-Match"),
        );
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.description.is_none()
        {
            parameter.description = parameter
                .schema
                .as_ref()
                .and_then(|schema| described(schema, schemas));
        }
    }
    let has_body = operation.request_body.is_some();
    for (status, name, _) in REFUSALS {
        let fits = match status {
            "401" | "403" => !public,
            "404" => path.contains('{'),
            "412" => conditional,
            "413" | "415" | "422" => has_body,
            _ => true,
        };
        if fits {
            let name = Ref::from_response_name(name);
            operation
                .responses
                .responses
                .entry(status.into())
                .or_insert(name.into());
        }
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response
                .headers
                .insert("Request-Id".into(), request_id().into());
            for content in response.content.values_mut() {
                show(content, schemas);
            }
        }
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.content
            .values_mut()
            .for_each(|content| show(content, schemas));
    }
}

/// What a schema that is a word of the product says of itself.
fn described(schema: &RefOr<Schema>, schemas: &BTreeMap<String, RefOr<Schema>>) -> Option<String> {
    match schema {
        RefOr::Ref(reference) => described(
            schemas.get(reference.ref_location.rsplit('/').next()?)?,
            schemas,
        ),
        RefOr::T(Schema::Object(object)) => object.description.clone(),
        RefOr::T(Schema::OneOf(one)) => one
            .items
            .iter()
            .find_map(|schema| described(schema, schemas)),
        RefOr::T(_) => None,
    }
}

fn refusal(status: &str, meaning: &str) -> Response {
    let schema = Ref::from_schema_name(Problem::name());
    let mut response = ResponseBuilder::new()
        .description(meaning)
        .content(
            "application/problem+json",
            ContentBuilder::new()
                .schema(Some(schema))
                .example(Some(example_problem(status)))
                .build(),
        )
        .header("Request-Id", request_id())
        .build();
    if status == "401" {
        let header = string_header("How to authenticate: `Bearer realm=\"tollgate\"`.");
        response
            .headers
            .insert("WWW-Authenticate".into(), header.into());
    }
    response
}

fn example_problem(status: &str) -> Value {
    let (code, title, detail) = match status {
        "400" => (
            "malformed_json",
            "Bad Request",
            "The body is not JSON: unexpected byte at line 1, column 9.",
        ),
        "401" => (
            "unauthenticated",
            "Unauthorized",
            "This API key is not valid.",
        ),
        "403" => ("forbidden", "Forbidden", "Your role cannot manage servers."),
        "404" => (
            "not_found",
            "Not Found",
            "There is nothing here by that name.",
        ),
        "412" => (
            "stale",
            "Precondition Failed",
            "It changed since it was read.",
        ),
        "413" => (
            "body_too_large",
            "Payload Too Large",
            "The body is larger than 1048576 bytes.",
        ),
        "415" => (
            "unsupported_media_type",
            "Unsupported Media Type",
            "The body must be application/json in UTF-8.",
        ),
        "422" => (
            "invalid_fields",
            "Unprocessable Entity",
            "A field cannot be taken as it is.",
        ),
        _ => (
            "unavailable",
            "Service Unavailable",
            "The database cannot be reached right now; try again in a moment.",
        ),
    };
    let mut example = serde_json::json!({
        "type": format!("urn:tollgate:problem:{code}"),
        "title": title,
        "status": status.parse().unwrap_or(503),
        "detail": detail,
        "code": code,
        "request_id": "req_0198f0c27d6a7c10a4b2f1b3c5d7e9f1",
    });
    if status == "422" {
        example["errors"] =
            serde_json::json!([{"pointer": "/slug", "detail": "is already in use"}]);
    }
    example
}

fn request_id() -> Header {
    string_header("The request's id: the caller's own `Request-Id`, or a new one.")
}

fn string_header(description: &str) -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(Type::String));
    header.description = Some(description.into());
    header
}

/// Puts the schema's own example beside the schema, where readers of the document look for it.
fn show(content: &mut RefOr<Content>, schemas: &BTreeMap<String, RefOr<Schema>>) {
    let RefOr::T(content) = content else { return };
    if content.example.is_none() {
        content.example = content
            .schema
            .as_ref()
            .and_then(|schema| example(schema, schemas));
    }
}

fn example(schema: &RefOr<Schema>, schemas: &BTreeMap<String, RefOr<Schema>>) -> Option<Value> {
    let schema = match schema {
        RefOr::Ref(reference) => {
            return example(
                schemas.get(reference.ref_location.rsplit('/').next()?)?,
                schemas,
            );
        }
        RefOr::T(schema) => schema,
    };
    match schema {
        Schema::Object(object) => {
            if object.example.is_some() {
                return object.example.clone();
            }
            // A page of a list: one item, and nothing behind it.
            let RefOr::T(Schema::Array(items)) = object.properties.get("items")? else {
                return None;
            };
            let utoipa::openapi::schema::ArrayItems::RefOrSchema(item) = &items.items else {
                return None;
            };
            let item = example(item, schemas)?;
            Some(serde_json::json!({"items": [item], "next_cursor": null}))
        }
        Schema::AllOf(all) => all.example.clone(),
        Schema::OneOf(one) => one.example.clone(),
        Schema::AnyOf(any) => any.example.clone(),
        _ => None,
    }
}
