//! What Slipway may do.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};
use slipway_portal::ports::{ClusterError, Need};

use crate::refusal::answer;

/// Reviews that are asked for at once.
const AT_ONCE: usize = 8;

/// Which of `needs` the credentials do not allow in the namespace, in their order.
pub async fn denied(client: &Client, namespace: &str, needs: &[Need]) -> Result<Vec<Need>, ClusterError> {
    let api = Api::<SelfSubjectAccessReview>::all(client.clone());
    let asked: Vec<Option<Need>> = stream::iter(needs.to_vec())
        .map(|need| {
            let api = api.clone();
            async move {
                let review = review(need, namespace);
                let review = answer(api.create(&PostParams::default(), &review)).await?;
                let allowed = review.status.is_some_and(|status| status.allowed);
                Ok::<_, ClusterError>((!allowed).then_some(need))
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(asked.into_iter().flatten().collect())
}

fn review(need: Need, namespace: &str) -> SelfSubjectAccessReview {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (resource, subresource) = need.resource.split_once('/').unwrap_or((need.resource, ""));
    // A namespace counts as within itself, but is made outside of any.
    let of_namespace = resource == "namespaces";
    let within = if of_namespace && need.verb == "create" {
        ""
    } else {
        namespace
    };
    let attributes = ResourceAttributes {
        group: some(need.group),
        name: if of_namespace { some(within) } else { None },
        namespace: some(within),
        resource: some(resource),
        subresource: some(subresource),
        verb: some(need.verb),
        ..ResourceAttributes::default()
    };
    SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    }
}
