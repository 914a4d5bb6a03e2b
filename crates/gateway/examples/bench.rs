//! A gateway by itself, in front of a benchmark's upstream: one server, one grant per line of
//! `TOKENS`, and limits that are charged and never reached.
//!
//! `bench LISTEN UPSTREAM_URL TOKENS GRANTS [POLICY]`. The spool is in a temporary folder and is
//! read as it grows, as the shipper does.

use std::{error::Error, io::Write, net::SocketAddr, sync::Arc, time::Duration};

use domain::{
    GrantId, OrgId, PolicyId, ServerId, Tool,
    routes::{GrantRoute, PolicyRoute, ServerRoute, Snapshot, VerifyingKey},
};
use gateway::{Gateway, Needs, Settings};
use limits::{Limiter, Local};
use secrecy::ExposeSecret;
use upstream::{Dialler, Guard};
use vault::{Binding, Claims, Keyring, MasterKey, Signer, Verifier};

/// The allocator of the real binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const POLICY: &str = r#"{"version":"1","default":"allow","all_tools":{"limits":[{"counter":"calls","window":"minute","max":1000000000,"scope":"grant"}]}}"#;

fn tool(name: String) -> Tool {
    let definition = format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}}}}"#);
    Tool {
        name,
        title: None,
        description: None,
        definition,
        class: None,
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, upstream_url, tokens, grants, rest @ ..] = arguments.as_slice() else {
        return Err("bench LISTEN UPSTREAM_URL TOKENS GRANTS [POLICY]".into());
    };
    let listen: SocketAddr = listen.parse()?;
    let grants: usize = grants.parse()?;
    let dir = tempfile::tempdir()?;
    let (spool, mut shipper) = spool::open(dir.path())?;
    let (refresh, _refreshes) = tokio::sync::mpsc::channel(16);
    let gateway = Gateway::new(Needs {
        limiter: Arc::new(Limiter::Local(Local::new())),
        spool,
        dialler: Dialler::new(Guard::new(vec!["127.0.0.0/8".parse()?])),
        settings: Settings {
            public_url: format!("http://{listen}"),
            trusted_proxies: Vec::new(),
            body_bytes_max: 4 << 20,
            first_byte: Duration::from_secs(60),
            silence: Duration::from_secs(300),
            total: Duration::from_secs(1800),
            staleness_max: Duration::from_secs(600),
        },
        refresh,
    });
    let master = MasterKey::parse(&MasterKey::generate_base64())?;
    let keyring = Arc::new(Keyring::open(&master, &[Keyring::make_data_key(&master)])?);
    let (kid, sealed, public_key) = Signer::make_key(&master);
    let signer = Signer::open(&master, &[(kid.clone(), sealed)])?;
    let issuer = uuid::Uuid::now_v7();
    let verifier = Verifier::new(
        issuer,
        &[VerifyingKey {
            kid: kid.clone(),
            public_key,
        }],
    );
    gateway.set_keys(verifier, Arc::clone(&keyring));

    let (org, server, policy) = (
        OrgId::generate(),
        ServerId::generate(),
        PolicyId::generate(),
    );
    let url = upstream::UpstreamUrl::parse(upstream_url)?;
    let binding = Binding::UpstreamCredential {
        org,
        server,
        origin: url.origin(),
    };
    let credential = keyring.seal(br#"{"Authorization":"Bearer upstream"}"#, binding);
    let names = std::fs::read_to_string("tools.txt").unwrap_or_default();
    let tools: Vec<Tool> = names.lines().map(|name| tool(name.to_owned())).collect();
    let ids: Vec<GrantId> = (0..grants).map(|_| GrantId::generate()).collect();
    let mut file = std::fs::File::create(tokens)?;
    for grant in &ids {
        let claims = Claims {
            issuer,
            grant: *grant,
            org,
            server,
            version: 1,
            issued_at_s: 1_700_000_000,
            expires_at_s: None,
        };
        let token = signer.sign(&kid, &claims).ok_or("the key is not here")?;
        writeln!(file, "{}", token.expose_secret())?;
    }
    gateway.apply(Snapshot {
        org,
        slug: "bench".parse()?,
        version: 1,
        suspended: false,
        servers: vec![ServerRoute {
            id: server,
            slug: "fast".parse()?,
            name: "fast".parse()?,
            upstream_url: upstream_url.clone(),
            credential: Some(credential),
            inventory: (!tools.is_empty()).then(|| tools.into()),
            fail_open: false,
        }],
        grants: ids
            .iter()
            .map(|id| {
                Ok(GrantRoute {
                    id: *id,
                    server,
                    policy: Some(policy),
                    label: "bench".parse()?,
                    identity: None,
                    labels: Vec::new(),
                    token_version: 1,
                    overlap: None,
                    expires_at_ms: None,
                    paused: false,
                })
            })
            .collect::<Result<_, Box<dyn Error>>>()?,
        policies: vec![PolicyRoute {
            id: policy,
            name: "bench".parse()?,
            version: 1,
            document: rest.first().map_or(POLICY, String::as_str).into(),
        }],
    });
    gateway.confirm_current();
    tokio::spawn(async move {
        while let Ok(Some(batch)) = shipper.next(5000).await {
            if shipper.shipped(batch).is_err() {
                break;
            }
            // About what it takes to gather a batch for Postgres and store it.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let beat = Arc::clone(&gateway);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            beat.confirm_current();
        }
    });
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app = gateway
        .router()
        .into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(
        axum::serve::ListenerExt::tap_io(listener, |stream| {
            // Small answers must not wait for more.
            let _ = stream.set_nodelay(true);
        }),
        app,
    )
    .await?;
    Ok(())
}
