//! The admin API as a program uses it.

use reqwest::{Client, Method, header::HeaderMap};
use serde_json::{Value, json};

/// The admin API with one key.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    key: String,
    http: Client,
}

/// What it answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, null where it is no JSON.
    pub body: Value,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// The body of a success.
    ///
    /// # Panics
    /// It is none.
    pub fn ok(self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "HTTP {}: {}",
            self.status,
            self.text
        );
        self.body
    }
}

impl Api {
    /// The API at `url` with `key`.
    #[must_use]
    pub fn new(url: &str, key: &str) -> Self {
        Self {
            base: format!("{url}/api/v1"),
            key: key.into(),
            http: Client::new(),
        }
    }

    /// The key, to hand to a program.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// One request; `body` goes as JSON.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.call_with(method, path, body, &[]).await
    }

    /// One request with more headers, such as `If-Match`.
    pub async fn call_with(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.expect("the API answers");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer {
            status,
            headers,
            body,
            text,
        }
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// `POST`.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Registers a server and discovers its tools. Answers `(id, proxy_url)`.
    pub async fn register(
        &self,
        name: &str,
        upstream_url: &str,
        headers: Value,
    ) -> (String, String) {
        let auth = if headers.as_object().is_some_and(|h| !h.is_empty()) {
            json!({ "kind": "headers", "headers": headers })
        } else {
            json!({ "kind": "none" })
        };
        let made = self
            .post(
                "/servers",
                &json!({ "name": name, "upstream_url": upstream_url, "auth": auth }),
            )
            .await
            .ok();
        let id = made["id"].as_str().expect("an id").to_owned();
        self.post(&format!("/servers/{id}/discover"), &json!({}))
            .await
            .ok();
        (
            id,
            made["proxy_url"].as_str().expect("a proxy URL").to_owned(),
        )
    }

    /// Publishes a policy on a server and issues a grant with it. Answers `(grant id, token)`.
    pub async fn grant(&self, server: &str, label: &str, document: &str) -> (String, String) {
        let document: Value = serde_json::from_str(document).expect("a JSON document");
        let policy = self
            .post(
                &format!("/servers/{server}/policies"),
                &json!({ "name": format!("{label} policy"), "document": document, "publish": true }),
            )
            .await
            .ok();
        let made = self
            .post(
                &format!("/servers/{server}/grants"),
                &json!({ "label": label, "policy_id": policy["id"] }),
            )
            .await
            .ok();
        let text = |key: &str| made[key].as_str().expect("issuing answers it").to_owned();
        (text("id"), text("token"))
    }
}
