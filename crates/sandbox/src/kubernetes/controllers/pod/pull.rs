//! Images: pulled, or not to be had.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sha2::Digest as _;

use super::super::super::images::Behavior;
use super::super::super::object;
use super::super::super::registry::Registry;
use super::super::super::state::Key;
use super::Kubelet;

impl Kubelet {
    pub(super) fn pull(
        &mut self,
        registry: &mut Registry,
        key: &Key,
        pod: &Arc<Value>,
        behavior: Behavior,
    ) -> Duration {
        let first = self.begins(key, "creating");
        let image = object::text(pod, "/spec/containers/0/image").to_owned();
        if first && behavior == Behavior::ImagePullError {
            Self::say(
                registry,
                pod,
                "Normal",
                "Pulling",
                format!("Pulling image {image:?}"),
            );
        }
        let left = self.remaining(key, "creating", self.speed.pick(500, 15));
        if !left.is_zero() {
            return left;
        }
        if behavior == Behavior::ImagePullError {
            let error = pull_error(&image);
            Self::say(
                registry,
                pod,
                "Warning",
                "Failed",
                format!("Failed to pull image {image:?}: {error}"),
            );
            Self::say(
                registry,
                pod,
                "Warning",
                "Failed",
                "Error: ErrImagePull".to_owned(),
            );
            Self::wait(registry, pod, "ErrImagePull", &error);
            return Duration::ZERO;
        }
        self.start(registry, key, pod, true);
        Duration::ZERO
    }

    pub(super) fn pull_back_off(&mut self, registry: &mut Registry, key: &Key, pod: &Arc<Value>) -> Duration {
        let left = self.remaining(key, "pull error", self.speed.pick(800, 20));
        if !left.is_zero() {
            return left;
        }
        let image = object::text(pod, "/spec/containers/0/image").to_owned();
        Self::say(
            registry,
            pod,
            "Normal",
            "BackOff",
            format!("Back-off pulling image {image:?}"),
        );
        Self::say(
            registry,
            pod,
            "Warning",
            "Failed",
            "Error: ImagePullBackOff".to_owned(),
        );
        let message = format!(
            "Back-off pulling image {image:?}: ErrImagePull: {}",
            pull_error(&image)
        );
        Self::wait(registry, pod, "ImagePullBackOff", &message);
        Duration::ZERO
    }

    pub(super) fn pull_again(&mut self, registry: &mut Registry, key: &Key, pod: &Arc<Value>) -> Duration {
        let tries = *self.pulls.entry(key.clone()).or_insert(0);
        let delay = self.speed.pick(10_000, 300) * 2u32.pow(tries.min(4));
        let left = self.remaining(key, "pull back-off", delay);
        if !left.is_zero() {
            return left;
        }
        self.pulls.insert(key.clone(), tries + 1);
        let image = object::text(pod, "/spec/containers/0/image").to_owned();
        if self.images.behavior(pod, &image) == Behavior::ImagePullError {
            let error = pull_error(&image);
            Self::say(
                registry,
                pod,
                "Normal",
                "Pulling",
                format!("Pulling image {image:?}"),
            );
            Self::say(
                registry,
                pod,
                "Warning",
                "Failed",
                format!("Failed to pull image {image:?}: {error}"),
            );
            Self::wait(registry, pod, "ErrImagePull", &error);
        } else {
            self.start(registry, key, pod, true);
        }
        Duration::ZERO
    }
}

pub(super) fn pull_error(image: &str) -> String {
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image {image:?}: failed to resolve reference {image:?}: {image}: \
         not found"
    )
}

pub(super) fn image_id(image: &str) -> String {
    if image.contains('@') {
        return image.to_owned();
    }
    let name = image.rsplit_once(':').map_or(image, |(name, _)| name);
    format!("{name}@sha256:{}", hex::encode(sha2::Sha256::digest(image)))
}
