//! A console on a database of its own, asked through its router as hyper would ask it.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use console::{Mail, Needs, Settings, SignUp};
use domain::{Role, Scope, Tool, ToolClass};
use ipnet::IpNet;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tower::ServiceExt;
use vault::{Keyring, MasterKey, Signer, Verifier};

use crate::support::{TestDb, label};

pub(crate) const PUBLIC_URL: &str = "https://tollgate.example";

pub(crate) const TEN_RERUNS: &str = r#"{"version":"1","default":"deny","tools":{"rerun_workflow":
    {"limits":[{"counter":"rerun_workflow_rate","window":"minute","max":10,"scope":"grant"}]}}}"#;

/// A console, and a way to look at what it stored.
pub(crate) struct World {
    pub(crate) db: TestDb,
    pub(crate) keyring: Arc<Keyring>,
    /// Verifies what the console signs, as a gateway would.
    pub(crate) verifier: Verifier,
    router: Router,
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Null where the body is no JSON.
    pub(crate) json: Value,
}

/// The API with one key.
pub(crate) struct Api<'w> {
    world: &'w World,
    pub(crate) key: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        let db = TestDb::new().await;
        let master = MasterKey::parse(&MasterKey::generate_base64()).expect("a master key");
        let keyring = Keyring::open(&master, &[Keyring::make_data_key(&master)]);
        let keyring = Arc::new(keyring.expect("a keyring"));
        let (kid, sealed, public_key) = Signer::make_key(&master);
        let verifying = domain::routes::VerifyingKey {
            kid: kid.clone(),
            public_key,
        };
        let signer = Signer::open(&master, &[(kid, sealed)]).expect("a signer");
        let installation = uuid::Uuid::now_v7();
        let loopback: Vec<IpNet> = vec!["127.0.0.0/8".parse().expect("a range")];
        let router = console::router(Needs {
            db: db.console.clone(),
            keyring: Arc::clone(&keyring),
            signer: Arc::new(signer),
            installation,
            dialler: ::upstream::Dialler::new(::upstream::Guard::new(loopback.clone())),
            mail: Mail::Off,
            settings: Settings {
                public_url: PUBLIC_URL.into(),
                sign_up: SignUp::Open,
                trusted_proxies: Vec::new(),
                contact_email: None,
                version: "0",
                upstream_allow: loopback,
            },
        });
        let verifier = Verifier::new(installation, &[verifying]);
        Self {
            db,
            keyring,
            verifier,
            router,
        }
    }

    /// A new organisation, and the API with an admin's key of it.
    pub(crate) async fn organisation(&self, slug: &str) -> (Scope, Api<'_>) {
        let scope = self.db.organisation(slug).await;
        let api = self.key(&scope, Role::Admin).await;
        (scope, api)
    }

    /// A key of that role, made by the member behind `scope`.
    pub(crate) async fn key(&self, scope: &Scope, role: Role) -> Api<'_> {
        let (secret, hash) = vault::make_api_key();
        store::api_keys::create(&self.db.console, scope, &label("key"), role, hash, None)
            .await
            .expect("a key");
        Api {
            world: self,
            key: secret.expose_secret().to_owned(),
        }
    }

    /// Makes these the server's tools, as if it had been asked.
    pub(crate) async fn discover(
        &self,
        scope: &Scope,
        server: &str,
        tools: &[(&str, Option<ToolClass>)],
    ) {
        let tool = |(name, class): &(&str, Option<ToolClass>)| Tool {
            name: (*name).to_owned(),
            title: None,
            description: None,
            definition: json!({"name": name, "inputSchema": {"type": "object"}}).to_string(),
            class: *class,
        };
        let found = store::servers::Discovery {
            tools: tools.iter().map(tool).collect(),
            server_name: None,
            server_version: None,
            protocol_version: None,
        };
        let server = server.parse().expect("an id");
        store::servers::record_discovery(&self.db.console, scope.org, None, server, &found)
            .await
            .expect("stored");
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a whole body");
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Answer {
            status: parts.status,
            headers: parts.headers,
            json: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        }
    }
}

impl Api<'_> {
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        more: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.world
            .send(request.body(body).expect("a request"))
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None, &[]).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, Some(&body), &[]).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask("PATCH", path, Some(&body), &[]).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, None, &[]).await
    }

    /// A new server's id.
    pub(crate) async fn server(&self, name: &str) -> String {
        let body = json!({"name": name, "upstream_url": "https://mcp.example.com/mcp"});
        self.post("/servers", body).await.created()
    }

    /// A new, published policy's id.
    pub(crate) async fn policy(&self, server: &str, document: &str) -> String {
        let document: Value = serde_json::from_str(document).expect("JSON");
        let body = json!({"name": "CI agents", "document": document, "publish": true});
        self.post(&format!("/servers/{server}/policies"), body)
            .await
            .created()
    }

    /// A new grant's id.
    pub(crate) async fn grant(&self, server: &str) -> String {
        self.post(
            &format!("/servers/{server}/grants"),
            json!({"label": "agent"}),
        )
        .await
        .created()
    }
}

impl Answer {
    /// The body of an answer with that status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json
    }

    /// The id of what was made.
    pub(crate) fn created(self) -> String {
        self.expect(201)["id"].as_str().expect("an id").to_owned()
    }

    /// The problem's code, having checked that it is a problem.
    pub(crate) fn problem(&self, status: u16) -> &str {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(
            self.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert_eq!(self.json["status"], status);
        let id = self.headers["request-id"].to_str().expect("ASCII");
        assert_eq!(self.json["request_id"], id);
        for member in ["type", "title", "detail"] {
            assert!(
                self.json[member]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{member}"
            );
        }
        self.json["code"].as_str().expect("a code")
    }

    /// The pointers of the fields at fault.
    pub(crate) fn pointers(&self) -> Vec<&str> {
        let errors = self.json["errors"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        errors
            .iter()
            .map(|error| error["pointer"].as_str().expect("a pointer"))
            .collect()
    }

    pub(crate) fn etag(&self) -> String {
        self.headers[header::ETAG]
            .to_str()
            .expect("ASCII")
            .to_owned()
    }
}
