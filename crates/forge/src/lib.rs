//! The `SourceForge` port over the `gitlab` crate (GitLab REST v4).
//!
//! [`client`] decides what a refusal means and how long anything may take, [`answer`] reads answers without
//! trusting their shape, [`gitlab`](mod@gitlab) has one method per use.

mod answer;
mod call;
mod client;
mod gitlab;
mod group;
#[cfg(test)]
mod recorded;

use async_trait::async_trait;
use client::Client;
use parking_lot::Mutex;
use slipway_guard::Guard;
use slipway_portal::outgoing::Outgoing;
use slipway_portal::ports::{ForgeAccess, ForgeConnector, ForgeError, SourceForge};
use std::collections::HashMap;
use std::sync::Arc;
use url::Url;

/// How many clients are kept; beyond it they are made anew.
const KEPT: usize = 256;

/// Makes clients, one for each address and token.
pub struct GitlabConnector {
    guard: Guard,
    clients: Mutex<HashMap<Key, Arc<gitlab::Gitlab>>>,
}

/// Address, token, and whether the operator wrote them.
type Key = (String, String, bool);

impl GitlabConnector {
    /// A connector without clients, whose clients stay in `outgoing`'s bounds unless the operator wrote the access.
    pub fn new(outgoing: Outgoing) -> Self {
        Self {
            guard: Guard::new(outgoing),
            clients: Mutex::default(),
        }
    }
}

#[async_trait]
impl ForgeConnector for GitlabConnector {
    async fn admits(&self, base_url: &str) -> Result<(), ForgeError> {
        match Url::parse(base_url) {
            Ok(url) => self
                .guard
                .admits(&url)
                .await
                .map_err(|out| ForgeError::OutOfBounds(out.0)),
            Err(_) => Err(ForgeError::Unreachable(format!("{base_url} is not an address"))),
        }
    }

    fn connect(&self, access: &ForgeAccess) -> Result<Arc<dyn SourceForge>, ForgeError> {
        let key = (access.base_url.clone(), access.token.clone(), access.operator);
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(&key) {
            return Ok(Arc::clone(client) as Arc<dyn SourceForge>);
        }
        let client = Arc::new(gitlab::Gitlab::new(Client::new(access, &self.guard)?));
        if clients.len() >= KEPT {
            clients.clear();
        }
        clients.insert(key, Arc::clone(&client));
        Ok(client)
    }
}
