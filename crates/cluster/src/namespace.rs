//! Namespaces.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use slipway_domain::manifest::FIELD_MANAGER;
use slipway_portal::ports::ClusterError;

use crate::refusal::translate;

/// Makes the namespace where it is not there. One that is there is left as it is: it may be somebody else's.
pub async fn ensure(client: &Client, name: &str) -> Result<(), ClusterError> {
    let api = Api::<Namespace>::all(client.clone());
    match api.get_opt(name).await {
        Ok(None) => create(&api, name).await,
        Ok(Some(found)) if found.metadata.deletion_timestamp.is_some() => Err(ClusterError::Broken(format!(
            "the namespace {name} is being deleted"
        ))),
        Ok(Some(_)) => Ok(()),
        // An account that is confined to one namespace may not look at it. Where it is missing after all, what is
        // applied to it is not found.
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(()),
        Err(error) => Err(translate(&error)),
    }
}

async fn create(api: &Api<Namespace>, name: &str) -> Result<(), ClusterError> {
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(
                [(
                    "app.kubernetes.io/managed-by".to_owned(),
                    FIELD_MANAGER.to_owned(),
                )]
                .into(),
            ),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    match api.create(&params, &namespace).await {
        // Somebody else was faster.
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        other => other.map(|_| ()).map_err(|error| translate(&error)),
    }
}
