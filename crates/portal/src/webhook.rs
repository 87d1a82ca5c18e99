//! Webhooks of GitLab. They are hints: what they are about is asked of GitLab itself, so that their order, their
//! number and their truth do not matter.

use crate::access::{self, may};
use crate::context::{OpCtx, Portal};
use crate::error::{Error, Result};
use crate::jobs::{Job, Next};
use crate::ports::{DeliveryRecord, StoreError};
use crate::{connection, mirror, repository, run};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use slipway_domain::id::{AppId, DeliveryId, OutboxId};
use slipway_domain::text::Text;
use std::collections::BTreeSet;
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;

/// How many deliveries one turn works on.
const AT_ONCE: i64 = 500;

/// How many deliveries share one transaction.
const BATCH: usize = 256;

/// What GitLab sends beside the body.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    /// `X-Gitlab-Token`: the secret.
    pub token: Option<String>,
    /// `X-Gitlab-Event`, as in `Pipeline Hook`.
    pub event: Option<String>,
    /// `X-Gitlab-Event-UUID`: one for a chain of events.
    pub event_uuid: Option<String>,
    /// `Idempotency-Key`: one for a delivery and its repetitions (since GitLab 17.4).
    pub idempotency_key: Option<String>,
}

/// What a webhook is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// GitLab's `object_kind`.
    pub kind: String,
    /// GitLab's numeric project id.
    pub project: Option<i64>,
    /// The pipeline it tells of.
    pub pipeline: Option<i64>,
    /// The merge request it tells of: its number in the project.
    pub merge_request: Option<i64>,
    /// The issue it tells of, or of a note on: its number in the project.
    #[serde(default)]
    pub issue: Option<i64>,
}

impl Hint {
    /// Reads a body. Whatever is missing or of another shape is left out.
    ///
    /// # Errors
    /// The body is not JSON.
    pub fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        let value: serde_json::Value = serde_json::from_slice(body)?;
        let number = |path: &str| {
            let found = value.pointer(path)?;
            found.as_i64().or_else(|| found.as_str()?.parse().ok())
        };
        let text = |path: &str| {
            value
                .pointer(path)
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
        };
        let kind = if text("/object_kind").is_empty() {
            text("/event_name")
        } else {
            text("/object_kind")
        };
        let pipeline = match kind {
            "pipeline" => number("/object_attributes/id"),
            "build" | "job" => number("/pipeline_id").or_else(|| number("/commit/id")),
            _ => None,
        };
        let merge_request = match kind {
            "merge_request" => number("/object_attributes/iid"),
            _ => number("/merge_request/iid"),
        };
        let issue = match kind {
            "issue" => number("/object_attributes/iid"),
            "note" => number("/issue/iid"),
            _ => None,
        };
        let project = number("/project/id").or_else(|| number("/project_id"));
        Ok(Self {
            kind: kind.chars().take(64).collect(),
            project,
            pipeline,
            merge_request,
            issue,
        })
    }
}

/// Takes a webhook: believes it if its token is the app's, stores it durably, and answers. The work is done later.
///
/// # Errors
/// [`Error::NotFound`] for an unknown app and for a wrong token alike; [`Error::Invalid`] where the body is not JSON;
/// [`Error::Unavailable`] where it could not be stored (GitLab sends it again).
pub async fn accept(portal: &Portal, app: AppId, headers: &Headers, body: &[u8]) -> Result<()> {
    let known = portal.store.read().await?.hook_secret(app).await?;
    let opened = known.and_then(|(org, sealed)| {
        let secret = portal.sealer.open(&secret_context(app), &sealed);
        secret
            .inspect_err(|error| tracing::error!(%error, %app, "the secret of a webhook does not open"))
            .ok()
            .map(|s| (org, s))
    });
    // Hashes have one length, so that comparing tells nothing, not even of an app that is not there.
    let expected = Sha256::digest(
        opened
            .as_ref()
            .map_or("", |(_, secret)| secret.as_str())
            .as_bytes(),
    );
    let given = Sha256::digest(headers.token.as_deref().unwrap_or_default().as_bytes());
    let same = bool::from(expected.ct_eq(&given));
    let Some((org, _)) = opened.filter(|_| same) else {
        return Err(Error::NotFound);
    };
    let hint = Hint::read(body)
        .map_err(|_| Error::field("body", Text::new("the body is not JSON", "请求正文不是 JSON")))?;
    let ctx = portal.system("webhook");
    let record = DeliveryRecord {
        id: ctx.id(),
        org,
        app,
        key: key(headers, body),
        event: headers
            .event
            .as_deref()
            .unwrap_or_default()
            .chars()
            .take(100)
            .collect(),
        hint: serde_json::to_string(&hint).map_err(Error::internal)?,
        received_at: ctx.now(),
    };
    portal.memory().webhooks.store(portal, record).await
}

/// What the secret of an app's webhook is sealed for.
pub(crate) fn secret_context(app: AppId) -> String {
    format!("webhook of {app}")
}

/// What is equal for repetitions of one delivery and nothing else. A chain of events has one UUID, so the body joins it.
fn key(headers: &Headers, body: &[u8]) -> String {
    match &headers.idempotency_key {
        Some(key) if !key.is_empty() => format!("key:{}", key.chars().take(100).collect::<String>()),
        _ => {
            let uuid: String = headers
                .event_uuid
                .as_deref()
                .unwrap_or_default()
                .chars()
                .take(100)
                .collect();
            format!("body:{uuid}:{}", hex::encode(Sha256::digest(body)))
        }
    }
}

/// Deliveries that come at the same time share one transaction: the disk is waited for once, not once for each.
#[derive(Default)]
pub(crate) struct Gate {
    waiting: Mutex<Vec<Waiting>>,
    turn: std::sync::Arc<tokio::sync::Mutex<()>>,
}

struct Waiting {
    record: DeliveryRecord,
    answer: oneshot::Sender<Result<()>>,
}

impl Gate {
    /// Returns once the delivery is durable.
    async fn store(&self, portal: &Portal, record: DeliveryRecord) -> Result<()> {
        let (answer, mut answered) = oneshot::channel();
        self.waiting.lock().push(Waiting { record, answer });
        loop {
            let turn = std::sync::Arc::clone(&self.turn).lock_owned().await;
            if let Ok(done) = answered.try_recv() {
                return done;
            }
            let batch = {
                let mut waiting = self.waiting.lock();
                let count = waiting.len().min(BATCH);
                waiting.drain(..count).collect::<Vec<_>>()
            };
            let portal = portal.clone();
            // A task of its own: a caller that goes away must not take the others' answers along.
            let flushed = tokio::spawn(async move {
                let _turn = turn;
                flush(&portal, batch).await;
            });
            if let Err(error) = flushed.await {
                return Err(StoreError::Unavailable(error.into()).into());
            }
        }
    }
}

async fn flush(portal: &Portal, batch: Vec<Waiting>) {
    let outcome = write(portal, &batch).await;
    for waiting in batch {
        let answer = match &outcome {
            Ok(()) => Ok(()),
            Err(StoreError::Full) => Err(StoreError::Full.into()),
            Err(error) => Err(StoreError::Unavailable(error.to_string().into()).into()),
        };
        // An error means that the caller has gone.
        let _ = waiting.answer.send(answer);
    }
    if outcome.is_ok() {
        portal.wake.notify_waiters();
    }
}

async fn write(portal: &Portal, batch: &[Waiting]) -> Result<(), StoreError> {
    let ctx = portal.system("webhook");
    let mut tx = portal.store.write().await?;
    let mut apps = BTreeSet::new();
    for waiting in batch {
        if tx.insert_delivery(&waiting.record).await? {
            apps.insert(waiting.record.app);
        }
    }
    let now = ctx.now();
    for app in apps {
        let job = Job::Webhook { app };
        let payload = serde_json::to_string(&job).map_err(|error| StoreError::Other(Box::new(error)))?;
        tx.enqueue_job(
            ctx.id::<OutboxId>(),
            job.kind(),
            &payload,
            now,
            Some(&format!("webhook:{app}")),
            now,
        )
        .await?;
    }
    tx.commit().await
}

/// Works on the deliveries of an app: says what is to be looked at.
pub(crate) async fn process(ctx: &OpCtx, app: AppId) -> Result<Next> {
    let app = match access::app_by_id::<may::PipelineRun>(ctx, app).await {
        Ok(app) => app,
        Err(Error::NotFound) => return Ok(Next::Done),
        Err(error) => return Err(error),
    };
    let modify = app.modify();
    let deliveries = ctx.read().await?.waiting_deliveries(&modify, AT_ONCE).await?;
    if deliveries.is_empty() {
        return Ok(Next::Done);
    }
    let project = match connection::link(ctx, &app).await {
        // They came, and lead to nothing.
        Ok(_) if app.place().archived().is_some() => None,
        Ok(link) => Some(link.project()),
        Err(Error::Refused { .. } | Error::NotFound) => None,
        Err(error) => return Err(error),
    };
    let (mut pipelines, mut issues) = (BTreeSet::new(), BTreeSet::new());
    let mut look = false;
    for delivery in &deliveries {
        let hint: Hint = serde_json::from_str(&delivery.hint).unwrap_or_default();
        if hint.project.is_some() && hint.project != project {
            continue;
        }
        match (hint.pipeline, hint.issue) {
            (Some(pipeline), _) => drop(pipelines.insert(pipeline)),
            (None, Some(issue)) => drop(issues.insert(issue)),
            (None, None) => look = true,
        }
        look |= hint.merge_request.is_some();
    }
    let ids: Vec<DeliveryId> = deliveries.iter().map(|delivery| delivery.id).collect();
    let now = ctx.now();
    let mut change = ctx.change().await?;
    change.bookkeeping();
    if project.is_some() {
        for pipeline in pipelines {
            run::enqueue_sync(&mut change, app.id(), pipeline, now).await?;
        }
        for issue in issues {
            mirror::work::hinted(&mut change, app.id(), issue).await?;
        }
        if look {
            repository::enqueue_look(&mut change, app.id(), now).await?;
        }
    }
    change.tx().finish_deliveries(&modify, &ids, now).await?;
    change.commit().await?;
    let more = i64::try_from(deliveries.len()).unwrap_or(i64::MAX) >= AT_ONCE;
    Ok(if more { Next::At(now) } else { Next::Done })
}
