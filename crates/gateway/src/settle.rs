//! What became of a request that was let through. Settled exactly once: by whoever learns the
//! outcome, or, where nobody did, when the request is dropped.

use std::{sync::Arc, time::Instant};

use domain::{
    EventId, OrgId,
    audit::{Record, Settled, Settlement},
};
use limits::{Bucket, Buckets, Proof, Receipt};

use crate::{clock::micros, gateway::Gateway, share::Place};

/// A charge that may have to be given back.
pub(crate) struct Charged {
    pub(crate) buckets: Vec<Bucket>,
    pub(crate) receipt: Receipt,
}

/// The duty to record an outcome.
pub(crate) struct Settle {
    gateway: Arc<Gateway>,
    event: EventId,
    org: OrgId,
    sent: Instant,
    charged: Option<Charged>,
    /// Kept until the answer has ended, whoever waits for that.
    place: Option<Arc<Place>>,
    given_back: bool,
    done: bool,
    /// The upstream's HTTP status, once there is one.
    pub(crate) status: Option<u16>,
    /// Bytes of the answer so far.
    pub(crate) bytes: u64,
}

impl Settle {
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        event: EventId,
        org: OrgId,
        charged: Option<Charged>,
        place: Option<Arc<Place>>,
    ) -> Self {
        Self {
            gateway,
            event,
            org,
            sent: Instant::now(),
            charged,
            place,
            given_back: false,
            done: false,
            status: None,
            bytes: 0,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Hands the duty over, leaving nothing to do here.
    pub(crate) fn take(&mut self) -> Option<Self> {
        if std::mem::replace(&mut self.done, true) {
            return None;
        }
        Some(Self {
            gateway: Arc::clone(&self.gateway),
            charged: self.charged.take(),
            place: self.place.take(),
            done: false,
            ..*self
        })
    }

    /// Gives the charge back, once. A store that cannot be reached keeps it, which is the safe
    /// side.
    pub(crate) async fn give_back(&mut self, proof: Proof) {
        let Some(charged) = self.charged.take() else {
            return;
        };
        let given = self
            .gateway
            .limiter
            .give_back(&charged.buckets, &charged.receipt, proof)
            .await;
        self.given_back = given.unwrap_or(false);
    }

    /// The charge to be given back where nothing can be waited for.
    pub(crate) fn give_back_later(&mut self, proof: Proof) {
        if let (Some(charged), Ok(runtime)) =
            (self.charged.take(), tokio::runtime::Handle::try_current())
        {
            let gateway = Arc::clone(&self.gateway);
            // Its outcome comes too late for this record, which says what was asked for.
            self.given_back = true;
            runtime.spawn(async move {
                let limiter = &gateway.limiter;
                if limiter
                    .give_back(&charged.buckets, &charged.receipt, proof)
                    .await
                    .is_err()
                {
                    tracing::warn!("a charge could not be given back");
                }
            });
        }
    }

    /// Records the outcome. Later calls change nothing.
    pub(crate) fn record(&mut self, settled: Settled) {
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        let upstream_us = micros(self.sent.elapsed());
        let settlement = Settlement {
            id: self.event,
            org: self.org,
            settled,
            status: self.status,
            upstream_us,
            response_bytes: self.bytes,
            given_back: self.given_back,
        };
        tracing::debug!(event.id = %self.event, settled = settled.as_str(), upstream_us, "settled");
        if let Err(error) = self.gateway.spool.append(&Record::Settled(settlement)) {
            // The decision is on record; at the next start it is closed as interrupted.
            tracing::error!(event.id = %self.event, %error, "an outcome could not be recorded");
        }
    }
}

impl Drop for Settle {
    fn drop(&mut self) {
        self.record(Settled::ClientGone);
    }
}
