//! From an access to the settings of a client.

use kube::Config;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use slipway_portal::ports::{ClusterAccess, ClusterError};

use crate::{CALL_TIMEOUT, CONNECT_TIMEOUT};

/// The settings for an access.
///
/// # Errors
/// `Forbidden` where the credentials cannot be read or may not be used: trying again does not help.
pub async fn settings(access: &ClusterAccess) -> Result<Config, ClusterError> {
    let mut config = match &access.kubeconfig {
        Some(text) => from_text(text, access.context.as_deref(), access.operator).await?,
        None => Config::incluster().map_err(|error| {
            ClusterError::Forbidden(format!(
                "no kubeconfig is given, and Slipway does not run in a cluster with a service account ({error}); \
                 give a kubeconfig or mount the service account's token"
            ))
        })?,
    };
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.write_timeout = Some(CALL_TIMEOUT);
    // Who asked decides whether and when to try again; a hidden retry would hold the caller up.
    config.default_retry = false;
    Ok(config)
}

async fn from_text(text: &str, context: Option<&str>, operator: bool) -> Result<Config, ClusterError> {
    let refused = |what: String| ClusterError::Forbidden(format!("the kubeconfig {what}"));
    let kubeconfig =
        Kubeconfig::from_yaml(text).map_err(|error| refused(format!("cannot be read: {error}")))?;
    if !operator
        && kubeconfig
            .clusters
            .iter()
            .any(|c| c.cluster.as_ref().is_some_and(|c| c.proxy_url.is_some()))
    {
        return Err(refused(String::from(
            "names a proxy (proxy-url), which could lead anywhere; take it out",
        )));
    }
    if !operator && let Some(what) = local_part(&kubeconfig) {
        return Err(refused(format!(
            "names a program or a file of Slipway's machine ({what}); put a token or the certificate's data in it"
        )));
    }
    let wanted = context
        .or(kubeconfig.current_context.as_deref())
        .unwrap_or_default();
    if !kubeconfig.contexts.iter().any(|c| c.name == wanted) {
        let known: Vec<&str> = kubeconfig.contexts.iter().map(|c| c.name.as_str()).collect();
        return Err(refused(format!(
            "has no context {wanted:?}; it has: {}",
            known.join(", ")
        )));
    }
    let options = KubeConfigOptions {
        context: Some(wanted.to_owned()),
        ..KubeConfigOptions::default()
    };
    Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| refused(format!("cannot be used: {error}")))
}

/// What in a kubeconfig would run a program or read a file here. Whoever may add a cluster in the browser must not
/// gain a shell or the files of the machine.
fn local_part(kubeconfig: &Kubeconfig) -> Option<&'static str> {
    let mut clusters = kubeconfig.clusters.iter().filter_map(|c| c.cluster.as_ref());
    let mut users = kubeconfig.auth_infos.iter().filter_map(|u| u.auth_info.as_ref());
    let certificate = clusters.any(|c| c.certificate_authority.is_some());
    certificate
        .then_some("certificate-authority")
        .or_else(|| users.find_map(local_credential))
}

fn local_credential(user: &AuthInfo) -> Option<&'static str> {
    [
        ("exec", user.exec.is_some()),
        ("auth-provider", user.auth_provider.is_some()),
        ("tokenFile", user.token_file.is_some()),
        ("client-certificate", user.client_certificate.is_some()),
        ("client-key", user.client_key.is_some()),
    ]
    .into_iter()
    .find_map(|(what, there)| there.then_some(what))
}
