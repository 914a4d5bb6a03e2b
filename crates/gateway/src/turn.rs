//! One request from authentication onward: everything that its record and its answer need.

use std::{borrow::Cow, sync::Arc, time::Instant};

use axum::body::Body;
use bytes::Bytes;
use domain::{
    EventId,
    audit::{Charge, Code, Decision, Outcome, Record, SHADOW_MAX, Shadow},
};
use http::{HeaderValue, Response, StatusCode, header::ALLOW};
use json::quote;
use spool::SpoolError;

use crate::{
    answers::{self, JSON},
    caller::Caller,
    clock::micros,
    cors::Browser,
    era::Era,
    gateway::Gateway,
    message::INTERNAL_ERROR,
    refusal::{DECISION, Door, Fault, Refusal, TRANSPORT, Voice},
    result_max::ResultMax,
    share::Place,
};

pub(crate) struct Turn {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) caller: Caller,
    pub(crate) browser: Browser,
    /// None where the grant has no more requests to open.
    pub(crate) place: Option<Arc<Place>>,
    pub(crate) event: EventId,
    /// When the last byte of the request was here.
    pub(crate) arrived: Instant,
    pub(crate) snapshot_age_ms: u64,
    pub(crate) request_bytes: u64,
    /// Empty until the message could be read.
    pub(crate) method: Cow<'static, str>,
    pub(crate) tool: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) era: Era,
    /// The request's id as it was written.
    pub(crate) id: Option<Bytes>,
    /// What shadow rules would have done, in the order of evaluation.
    pub(crate) shadow: Vec<Shadow>,
    /// How large the answer may be, where a rule says so.
    pub(crate) result_max: Option<ResultMax>,
}

/// What was decided, apart from whom it is about.
struct Ruling {
    outcome: Outcome,
    code: Code,
    rule: Option<String>,
    message: String,
    charges: Vec<Charge>,
    retry_after_ms: Option<u64>,
    failed_open: bool,
}

impl Turn {
    pub(crate) fn is_stateless(&self) -> bool {
        self.era == Era::Stateless
    }

    fn is_call(&self) -> bool {
        self.method == "tools/call"
    }

    /// Asks again whether the grant is good and the configuration current, and goes on with the
    /// routes of now.
    pub(crate) fn stand_again(&mut self, now_ms: u64) -> Result<(), Door> {
        let age = self.gateway.staleness().ok_or(Door::Stale)?;
        if age > self.gateway.settings.staleness_max {
            return Err(Door::Stale);
        }
        self.snapshot_age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let again = self.caller.again(&self.gateway.table.load(), now_ms);
        self.caller = again.ok_or(Door::BadToken)?;
        Ok(())
    }

    /// Records a request that is let through.
    pub(crate) fn allowed(
        &self,
        charges: Vec<Charge>,
        failed_open: bool,
    ) -> Result<(), SpoolError> {
        self.append(Ruling {
            outcome: Outcome::Allow,
            code: Code::Allowed,
            rule: None,
            message: String::new(),
            charges,
            retry_after_ms: None,
            failed_open,
        })
    }

    /// Records a refusal and says it.
    pub(crate) fn refuse(&self, mut refusal: Refusal) -> Response<Body> {
        let charges = match &mut refusal {
            Refusal::Policy { charges, .. } => std::mem::take(charges),
            _ => Vec::new(),
        };
        let message = refusal.message(self.tool.as_deref()).into_owned();
        let recorded = self.append(Ruling {
            outcome: Outcome::Deny,
            code: refusal.code(),
            rule: refusal.rule().map(str::to_owned),
            message: message.clone(),
            charges,
            retry_after_ms: refusal.retry_after_ms(),
            failed_open: false,
        });
        if let Err(error) = recorded {
            tracing::error!(event.id = %self.event, %error, "a refusal could not be recorded");
        }
        self.say(&refusal, &message)
    }

    fn append(&self, ruling: Ruling) -> Result<(), SpoolError> {
        let decided_us = micros(self.arrived.elapsed());
        let grant = &self.caller.grant;
        let policy = grant.policy.name();
        tracing::debug!(
            event.id = %self.event,
            server.id = %grant.server.id,
            grant.id = %grant.route.id,
            method = &*self.method,
            tool.name = self.tool.as_deref(),
            code = ruling.code.as_str(),
            decided_us,
            "decided"
        );
        let decision = Decision {
            id: self.event,
            org: self.caller.org_id(),
            server: grant.server.id,
            server_name: grant.server.name.clone(),
            grant: grant.route.id,
            grant_label: grant.route.label.as_str().to_owned(),
            identity: grant
                .route
                .identity
                .as_ref()
                .map(|identity| identity.as_str().to_owned()),
            policy: policy.map(|policy| policy.id),
            policy_name: policy.map(|policy| policy.name.clone()),
            policy_version: policy.map(|policy| policy.version),
            method: self.method.clone().into_owned(),
            tool: self.tool.clone(),
            outcome: ruling.outcome,
            code: ruling.code,
            rule: ruling.rule,
            message: ruling.message,
            charges: ruling.charges,
            shadow: self.shadow.iter().take(SHADOW_MAX).cloned().collect(),
            retry_after_ms: ruling.retry_after_ms,
            failed_open: ruling.failed_open,
            client: self.client.clone(),
            address: self.caller.address,
            request_bytes: self.request_bytes,
            decided_us,
            snapshot_age_ms: self.snapshot_age_ms,
        };
        self.gateway
            .spool
            .append(&Record::Decided(Box::new(decision)))
    }

    fn say(&self, refusal: &Refusal, message: &str) -> Response<Body> {
        let (mut status, voice) = refusal.voice(self.is_call(), self.is_stateless());
        let id = self.id.as_deref();
        let decision = || {
            self.decision(
                refusal.code().as_str(),
                refusal.rule(),
                refusal.retry_after_ms(),
                refusal.is_passing(),
            )
        };
        let body = match voice {
            Voice::Tool => answers::tool_error(id, message, &decision(), self.is_stateless()),
            Voice::Decision => answers::error(id, DECISION, message, Some(&decision())),
            Voice::Rpc(code) => answers::error(id, code, message, self.data(refusal)),
        };
        // What has no id has no JSON-RPC answer: HTTP says it.
        if id.is_none() && status == StatusCode::OK {
            status = match refusal {
                Refusal::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
        }
        let mut response = self.answer(status, Some(JSON), body.into());
        if matches!(refusal, Refusal::Busy) {
            answers::retry_after(response.headers_mut(), 1);
        }
        if let (StatusCode::TOO_MANY_REQUESTS, Some(ms)) = (status, refusal.retry_after_ms()) {
            answers::retry_after(response.headers_mut(), ms.div_ceil(1000));
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        }
        response
    }

    fn data(&self, refusal: &Refusal) -> Option<&'static str> {
        match refusal {
            Refusal::Malformed(fault) if fault.code == crate::message::UNSUPPORTED_VERSION => Some(
                "{\"supported\":[\"2026-07-28\",\"2025-11-25\",\"2025-06-18\",\"2025-03-26\"]}",
            ),
            _ => None,
        }
    }

    /// Says what went wrong beyond the gateway.
    pub(crate) fn fault(&self, fault: &Fault) -> Response<Body> {
        let (_, status) = fault.code();
        let status = if self.is_call() {
            StatusCode::OK
        } else {
            status
        };
        self.answer(status, Some(JSON), self.fault_message(fault).into())
    }

    /// The same as a message: to a call a result that the model reads, to others an error.
    pub(crate) fn fault_message(&self, fault: &Fault) -> Bytes {
        let id = self.id.as_deref();
        if self.is_call() {
            return self.fault_result(id, fault);
        }
        let (code, _) = fault.code();
        let message = fault.message(&self.caller.grant.server.name);
        let data = format!(
            "{{\"source\":\"upstream\",\"code\":\"{code}\",\"decision_id\":\"{}\"}}",
            self.event
        );
        let rpc = if id.is_some() {
            INTERNAL_ERROR
        } else {
            TRANSPORT
        };
        answers::error(id, rpc, &message, Some(&data))
    }

    /// What went wrong beyond the gateway, as the result of the call with this id.
    pub(crate) fn fault_result(&self, id: Option<&[u8]>, fault: &Fault) -> Bytes {
        let message = fault.message(&self.caller.grant.server.name);
        let decision = self.decision(fault.code().0, fault.rule(), None, false);
        answers::tool_error(id, &message, &decision, self.is_stateless())
    }

    /// `tollgate/decision`, as JSON text.
    fn decision(
        &self,
        code: &str,
        rule: Option<&str>,
        retry_after_ms: Option<u64>,
        retryable: bool,
    ) -> String {
        let event = self.event;
        let mut out = format!("{{\"code\":\"{code}\",\"rule\":");
        match rule {
            Some(rule) => quote(rule, &mut out),
            None => out.push_str("null"),
        }
        out.push_str(&format!(",\"decision_id\":\"{event}\",\"policy\":"));
        match self.caller.grant.policy.name() {
            Some(policy) => out.push_str(&format!("\"{}\"", policy.id)),
            None => out.push_str("null"),
        }
        if let Some(ms) = retry_after_ms {
            out.push_str(&format!(",\"retry_after_ms\":{ms}"));
        }
        if retryable {
            out.push_str(",\"retryable\":true");
        }
        out.push_str(",\"explain_url\":");
        quote(
            &format!("{}/audit/{event}", self.gateway.place.url),
            &mut out,
        );
        out.push('}');
        out
    }

    pub(crate) fn answer(
        &self,
        status: StatusCode,
        content_type: Option<HeaderValue>,
        body: Body,
    ) -> Response<Body> {
        answers::with_headers(status, content_type, Some(self.event), &self.browser, body)
    }
}
