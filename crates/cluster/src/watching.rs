//! Watching what Slipway applied, in a whole cluster: one watch a kind, of metadata alone.
//!
//! A watch says that something changed, and nothing of what: whoever hears it looks. One that the server ended in time is
//! gone on with where it was; one that lost its place, or says nothing for too long, ends with an error, for what changed
//! meanwhile is not known.

use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use kube::api::{ApiResource, DynamicObject, ListParams, PartialObjectMeta, WatchEvent, WatchParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt as _};
use slipway_domain::manifest::PROMOTION;
use slipway_portal::ports::{ClusterError, Touched};

use crate::manifest::KNOWN;
use crate::refusal::{answer, in_time, refused, translate};

/// Kinds that are not watched: Slipway makes none of them for an app, or they come and go with others.
const NOT: [&str; 4] = ["Namespace", "ResourceQuota", "Secret", "ServiceAccount"];
/// The label that Slipway gives to everything it makes.
const OURS: &str = "app.kubernetes.io/managed-by=slipway";
/// Seconds after which the server ends a watch: going on with it shows that both sides are there.
const ROUND: u32 = 60;
/// How long a watch may say nothing, its end included.
const SILENCE: Duration = Duration::from_secs(75);

type Events = BoxStream<'static, kube::Result<WatchEvent<PartialObjectMeta<DynamicObject>>>>;

/// The watch of one kind.
struct Watch {
    api: Api<DynamicObject>,
    /// Up to where it has heard everything.
    version: String,
    events: Option<Events>,
}

/// Begins to watch; what is there by now is not told.
pub async fn begin(
    client: &Client,
) -> Result<BoxStream<'static, Result<Touched, ClusterError>>, ClusterError> {
    let kinds = KNOWN.iter().filter(|(_, _, kind, ..)| !NOT.contains(kind));
    let begun = kinds.map(|(group, version, kind, plural, _)| {
        let gvk = GroupVersionKind::gvk(group, version, kind);
        let api = Api::all_with(client.clone(), &ApiResource::from_gvk_with_plural(&gvk, plural));
        Watch::at_now(api)
    });
    let begun = in_time(futures::future::try_join_all(begun)).await?;
    Ok(stream::select_all(begun.into_iter().flatten().map(Watch::told)).boxed())
}

impl Watch {
    /// `None`: the server has no such kind.
    async fn at_now(api: Api<DynamicObject>) -> Result<Option<Self>, ClusterError> {
        let params = ListParams::default().labels(OURS).limit(1);
        let version = match answer(api.list_metadata(&params)).await {
            Ok(list) => list.metadata.resource_version.unwrap_or_default(),
            Err(ClusterError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let events = None;
        Ok(Some(Self { api, version, events }))
    }

    fn told(self) -> BoxStream<'static, Result<Touched, ClusterError>> {
        let steps = stream::try_unfold(self, async |mut watch| {
            let touched = watch.next().await?;
            Ok(Some((touched, watch)))
        });
        steps
            .try_filter_map(|touched| std::future::ready(Ok(touched)))
            .boxed()
    }

    /// What changed next; `None`: nothing did, and it goes on.
    async fn next(&mut self) -> Result<Option<Touched>, ClusterError> {
        let silent =
            || ClusterError::Unreachable(format!("a watch says nothing for {} s", SILENCE.as_secs()));
        let next = tokio::time::timeout(SILENCE, self.event()).await;
        let Some(event) = next.map_err(|_| silent())?? else {
            return Ok(None);
        };
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object) => {
                if let Some(version) = object.metadata.resource_version.clone() {
                    self.version = version;
                }
                Ok(Some(Touched {
                    namespace: object.namespace().unwrap_or_default(),
                    promotion: object.annotations().get(PROMOTION).cloned(),
                }))
            }
            WatchEvent::Bookmark(bookmark) => {
                self.version = bookmark.metadata.resource_version;
                Ok(None)
            }
            // Where it was is forgotten (410), or the server is in trouble.
            WatchEvent::Error(status) => Err(refused(&status)),
        }
    }

    /// The next event; `None`: the server ended this round.
    async fn event(&mut self) -> Result<Option<WatchEvent<PartialObjectMeta<DynamicObject>>>, ClusterError> {
        if self.events.is_none() {
            let params = WatchParams::default().labels(OURS).timeout(ROUND);
            let begun = answer(self.api.watch_metadata(&params, &self.version)).await?;
            self.events = Some(begun.boxed());
        }
        let next = match self.events.as_mut() {
            Some(events) => events.next().await,
            None => None,
        };
        if next.is_none() {
            self.events = None;
        }
        next.transpose().map_err(|error| translate(&error))
    }
}
