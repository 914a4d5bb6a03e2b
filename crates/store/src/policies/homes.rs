//! Where a rule for some tools could go: the organisation's servers with their policies.

use domain::{Name, PolicyId, Scope, ServerId};

use crate::{Db, Result, text::parse};

/// So many servers are listed, those that fit first.
const SERVERS_MAX: i64 = 30;
/// So many policies of all of them.
const POLICIES_MAX: i64 = 300;

/// A server that a rule could go to.
#[derive(Debug, Clone)]
pub struct Home {
    /// The server.
    pub server: ServerId,
    /// What people call it.
    pub name: Name,
    /// Whether it was registered as this server of the catalogue.
    pub from_catalogue: bool,
    /// Whether it was ever asked for its tools.
    pub discovered: bool,
    /// Which of the tools it has.
    pub tools: Vec<String>,
    /// Its policies, by name.
    pub policies: Vec<HomePolicy>,
}

/// A policy that a rule could be merged into.
#[derive(Debug, Clone)]
pub struct HomePolicy {
    /// The policy.
    pub id: PolicyId,
    /// What people call it.
    pub name: Name,
    /// The version in force; none while nothing is published.
    pub published_version: Option<i32>,
    /// The newest version.
    pub latest_version: i32,
}

/// The organisation's servers: those that were registered as this one of the catalogue or have one
/// of the tools first, then the newest.
///
/// # Errors
/// Postgres failed.
pub async fn homes(
    db: &Db,
    scope: &Scope,
    catalog: Option<&str>,
    tools: &[String],
) -> Result<Vec<Home>> {
    let mut tx = db.begin(scope.org).await?;
    let servers = sqlx::query!(
        r#"select id, name, discovered as "discovered!", from_catalogue as "from_catalogue!",
                  tools as "tools!: Vec<String>"
           from (select s.id, s.name, s.discovered_at is not null as discovered,
                        coalesce(s.catalog = $2, false) as from_catalogue,
                        array(select t.name from tools t
                              where t.org_id = $1 and t.server_id = s.id and t.gone_at is null
                                  and t.name = any($3)
                              order by t.name) as tools
                 from servers s where s.org_id = $1) fitting
           order by from_catalogue and cardinality(tools) > 0 desc,
                    from_catalogue or cardinality(tools) > 0 desc, id desc
           limit $4"#,
        scope.org.uuid(),
        catalog,
        tools,
        SERVERS_MAX,
    )
    .fetch_all(&mut *tx)
    .await?;
    let ids: Vec<_> = servers.iter().map(|server| server.id).collect();
    let policies = sqlx::query!(
        "select id, server_id, name, published_version, latest_version from policies
         where org_id = $1 and server_id = any($2) order by name limit $3",
        scope.org.uuid(),
        &ids,
        POLICIES_MAX,
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let mut homes = Vec::new();
    for server in servers {
        let own = policies
            .iter()
            .filter(|policy| policy.server_id == server.id);
        let own = own.map(|policy| {
            Ok(HomePolicy {
                id: PolicyId::from_uuid(policy.id),
                name: parse("policies", policy.id, &policy.name)?,
                published_version: policy.published_version,
                latest_version: policy.latest_version,
            })
        });
        homes.push(Home {
            policies: own.collect::<Result<_>>()?,
            server: ServerId::from_uuid(server.id),
            name: parse("servers", server.id, &server.name)?,
            from_catalogue: server.from_catalogue,
            discovered: server.discovered,
            tools: server.tools,
        });
    }
    Ok(homes)
}
