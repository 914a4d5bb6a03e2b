//! A console on a database of its own, and browsers that keep cookies and find the token in a form.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode, header},
};
use console::{Mail, Needs, Settings, SignUp};
use ipnet::IpNet;
use tower::ServiceExt;
use vault::{Keyring, MasterKey, Signer};

use crate::support::TestDb;

/// Who gets what people write in the contact form.
pub(crate) const CONTACT_EMAIL: &str = "operator@example.com";

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A console.
pub(crate) struct World {
    pub(crate) db: TestDb,
    pub(crate) router: Router,
    pub(crate) public_url: &'static str,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::at("https://tollgate.example", SignUp::Open).await
    }

    pub(crate) async fn at(public_url: &'static str, sign_up: SignUp) -> Self {
        Self::with(public_url, sign_up, Mail::Off).await
    }

    pub(crate) async fn with(public_url: &'static str, sign_up: SignUp, mail: Mail) -> Self {
        let db = TestDb::new().await;
        let master = MasterKey::parse(&MasterKey::generate_base64()).expect("a master key");
        let keyring = Keyring::open(&master, &[Keyring::make_data_key(&master)]);
        let (kid, sealed, _) = Signer::make_key(&master);
        let loopback: Vec<IpNet> = vec!["127.0.0.0/8".parse().expect("a range")];
        let router = console::router(Needs {
            db: db.console.clone(),
            keyring: Arc::new(keyring.expect("a keyring")),
            signer: Arc::new(Signer::open(&master, &[(kid, sealed)]).expect("a signer")),
            installation: uuid::Uuid::now_v7(),
            dialler: upstream::Dialler::new(upstream::Guard::new(loopback.clone())),
            mail,
            settings: Settings {
                public_url: public_url.to_owned(),
                sign_up,
                trusted_proxies: Vec::new(),
                contact_email: CONTACT_EMAIL.parse().ok(),
                version: "0",
                upstream_allow: loopback,
            },
        });
        Self {
            db,
            router,
            public_url,
        }
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser {
            world: self,
            cookies: Mutex::default(),
        }
    }

    /// A browser that signed up and made an organisation.
    pub(crate) async fn owner(&self, email: &str, organisation: &str) -> Browser<'_> {
        let browser = self.browser();
        let form = [("email", email), ("password", PASSWORD)];
        browser
            .submit("/sign-up", "/sign-up", &form)
            .await
            .leads_to("/welcome");
        let form = [("name", organisation)];
        let made = browser.submit("/welcome", "/welcome", &form).await;
        made.leads_to("/overview?done=organisation-made");
        browser
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000));
        request.extensions_mut().insert(ConnectInfo(peer));
        self.send_from(request).await
    }

    /// Sends a request that says where it is from.
    pub(crate) async fn send_from(&self, request: Request<Body>) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a whole body");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }
}

/// Cookies and nothing else: a browser, as far as the server can tell.
pub(crate) struct Browser<'w> {
    pub(crate) world: &'w World,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser<'_> {
    pub(crate) fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.lock().expect("not poisoned").clone()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.cookies
            .lock()
            .expect("not poisoned")
            .insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder().method(method).uri(path);
        let cookies = self.cookies();
        if !cookies.is_empty() {
            let pairs: Vec<_> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        request
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.world.send(request).await;
        for line in answer.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().expect("ASCII");
            let (name, rest) = line.split_once('=').expect("a cookie");
            let value = rest.split(';').next().unwrap_or_default();
            let mut jar = self.cookies.lock().expect("not poisoned");
            if value.is_empty() {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(
            self.request("GET", path)
                .body(Body::empty())
                .expect("a request"),
        )
        .await
    }

    /// The form token of a page.
    pub(crate) async fn token(&self, page: &str) -> String {
        let answer = self.get(page).await;
        answer
            .token()
            .unwrap_or_else(|| panic!("{page} has a form: {}", answer.text))
    }

    /// Sends a form with that token in it, from this origin.
    pub(crate) async fn post(&self, path: &str, token: &str, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        fields.push(("csrf", token));
        let request = self
            .request("POST", path)
            .header(header::ORIGIN, self.world.public_url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(encode(&fields)));
        self.send(request.expect("a request")).await
    }

    /// Opens a page and sends its form.
    pub(crate) async fn submit(&self, page: &str, to: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token(page).await;
        self.post(to, &token, fields).await
    }

    /// Adds a server that answers to nobody, and gives its path.
    pub(crate) async fn add_server(&self, name: &str) -> String {
        let fields = [("name", name), ("upstream_url", "http://127.0.0.1:1/mcp")];
        let added = self.submit("/servers/new", "/servers/new", &fields).await;
        added
            .location()
            .split('?')
            .next()
            .expect("a path")
            .to_owned()
    }
}

impl Answer {
    pub(crate) fn token(&self) -> Option<String> {
        let rest = self.text.split("name=\"csrf\" value=\"").nth(1)?;
        Some(rest.split('"').next()?.to_owned())
    }

    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.headers[header::LOCATION].to_str().expect("ASCII")
    }

    pub(crate) fn leads_to(&self, path: &str) {
        assert_eq!(self.location(), path);
    }

    pub(crate) fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }
}

pub(crate) fn encode(fields: &[(&str, &str)]) -> String {
    serde_urlencoded::to_string(fields).expect("pairs")
}
