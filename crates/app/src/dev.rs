//! `tollgate dev`: everything in one process, with a PostgreSQL of its own.

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result};
use secrecy::{ExposeSecret, SecretString};
use vault::MasterKey;

use crate::{
    catalog,
    cli::DevArgs,
    cluster::Cluster,
    commands::{block_on, sources, start_log},
    config::{Config, Purpose, Role},
    data::{DataDir, Running},
    demo,
    output::say,
    serve::{self, Afterwards, Plan, VERSION},
};

pub(crate) fn run(args: &DevArgs) -> Result<ExitCode> {
    let sources = sources(&args.config)?
        .flag("--listen", "LISTEN", args.listen.clone())
        .flag("--data", "DATA", args.data.clone());
    let mut config = Config::read(&sources, Purpose::Dev)?;
    start_log(&config)?;
    // A taken port or folder is found out before anything is started.
    let listener = serve::bind(config.listen)?;
    let public_url = serve::public_url(&config, &listener)?;
    let data = DataDir::open(&config.data)?;
    let master_key = key(config.master_key.take(), &data, "master.key")?;
    let signing_key = key(config.signing_key.take(), &data, "signing.key")?;

    let cluster = Cluster::start(&data, config.postgres_bin.as_deref())?;
    let database_url = SecretString::from(cluster.url());
    let running = Running {
        database_url: cluster.url(),
        public_url: public_url.clone(),
        pid: std::process::id(),
    };
    let folder = data.path().to_owned();
    let with_demo = args.demo;
    let served = block_on(async {
        store::migrations::run(database_url.expose_secret())
            .await
            .context("cannot migrate the private PostgreSQL")?;
        catalog::refresh(database_url.expose_secret()).await?;
        // Before it listens: whoever sees that it is ready may use the folder at once.
        data.announce(&running)?;
        let afterwards: Afterwards = Box::new(move |started| {
            Box::pin(async move {
                say(&greeting(&started.public_url, &folder));
                if with_demo {
                    demo::run(&folder, &started).await?;
                }
                std::future::pending().await
            })
        });
        let plan = Plan {
            role: Role::All,
            listener,
            public_url,
            database_url: database_url.clone(),
            master_key,
            signing_key: Some(signing_key),
            mail: match (config.smtp_url.take(), config.smtp_from.clone()) {
                (Some(url), Some(from)) => console::Mail::Smtp { url, from },
                _ => console::Mail::Terminal,
            },
            config,
        };
        serve::run(plan, afterwards).await
    });
    cluster.stop();
    served?;
    Ok(ExitCode::SUCCESS)
}

/// The configured key, or the one in the data folder.
fn key(configured: Option<MasterKey>, data: &DataDir, name: &str) -> Result<MasterKey> {
    if let Some(key) = configured {
        return Ok(key);
    }
    let text = data.key(name, MasterKey::generate_base64)?;
    MasterKey::parse(&text).with_context(|| format!("{name} in the data folder is damaged"))
}

fn greeting(public_url: &str, folder: &Path) -> String {
    format!(
        "\nTollgate {VERSION} is running.\n\n  Open      {public_url}\n            and sign up; \
         mail is printed here\n  Data      {}\n  Stop      Ctrl-C\n",
        folder.display()
    )
}
