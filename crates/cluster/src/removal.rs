//! Taking away: objects that a deployment left behind, and fields that others added. Both are fenced as an apply is, and both are
//! done to the very object that was looked at a moment before.

use kube::Client;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use serde_json::Value;
use slipway_domain::drift::{FieldChange, removal};
use slipway_portal::ports::ClusterError;

use crate::manifest::{Kinds, Manifest, TRIES, value};
use crate::refusal::{answer, is_lost_race, translate};

/// The name under which fields are taken away that somebody else added.
const REVERTS: &str = "slipway-revert";

impl Manifest<'_> {
    /// Deletes it, and what it owns after it. What a later deployment applied is left alone: what is there is looked at first,
    /// and goes only if it is still that, by its uid and its version.
    pub async fn delete(&self, client: &Client, kinds: &Kinds, fence: i64) -> Result<(), ClusterError> {
        let api = self.api(client, kinds).await?;
        let meant = self.object.pointer("/metadata/uid").and_then(Value::as_str);
        for _ in 0..TRIES {
            let Some(live) = answer(api.get_metadata_opt(self.name)).await? else {
                return Ok(());
            };
            let live = live.metadata;
            if meant.is_some_and(|meant| live.uid.as_deref() != Some(meant)) {
                return Ok(());
            }
            self.check_fence(Some(&live), fence)?;
            let only = Preconditions {
                uid: live.uid,
                resource_version: live.resource_version,
            };
            let params = DeleteParams::background().preconditions(only);
            match api.delete(self.name, &params).await {
                Ok(_) => return Ok(()),
                Err(error) if is_lost_race(&error) => {}
                Err(error) => match translate(&error) {
                    ClusterError::NotFound(_) => return Ok(()),
                    error => return Err(error),
                },
            }
        }
        Err(self.restless())
    }

    /// Takes the fields out that are as `changes` saw them.
    pub async fn take_away(
        &self,
        client: &Client,
        kinds: &Kinds,
        fence: i64,
        changes: &[FieldChange],
    ) -> Result<(), ClusterError> {
        let api = self.api(client, kinds).await?;
        let params = PatchParams {
            field_manager: Some(String::from(REVERTS)),
            ..PatchParams::default()
        };
        for _ in 0..TRIES {
            let Some(live) = answer(api.get_opt(self.name)).await? else {
                return Ok(());
            };
            self.check_fence(Some(&live.metadata), fence)?;
            let Some(mut patch) = removal(&value(&live)?, changes) else {
                return Ok(());
            };
            if let Some(version) = live.metadata.resource_version {
                patch["metadata"]["resourceVersion"] = version.into();
            }
            match api.patch(self.name, &params, &Patch::Merge(&patch)).await {
                Ok(_) => return Ok(()),
                Err(error) if is_lost_race(&error) => {}
                Err(error) => return Err(translate(&error)),
            }
        }
        Err(self.restless())
    }
}
