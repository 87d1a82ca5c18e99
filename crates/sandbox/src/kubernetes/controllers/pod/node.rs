//! The one fake node.

use serde_json::{Value, json};

use super::super::super::{discovery, object};
use super::{ADDRESS, NODE};

/// The node object.
pub fn node() -> Value {
    let now = object::now();
    let amounts = json!({
        "cpu": "64", "memory": "256Gi", "pods": "20000", "ephemeral-storage": "512Gi", "hugepages-1Gi": "0", "hugepages-2Mi": "0",
    });
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        })
    };
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": NODE, "uid": uuid::Uuid::new_v4().to_string(), "creationTimestamp": now,
            "labels": {
                "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "kubernetes.io/hostname": NODE,
                "node-role.kubernetes.io/control-plane": "",
            },
        },
        "spec": { "podCIDR": "10.244.0.0/16", "podCIDRs": ["10.244.0.0/16"], "providerID": "sandbox://sandbox-node" },
        "status": {
            "addresses": [{ "type": "InternalIP", "address": ADDRESS }, { "type": "Hostname", "address": NODE }],
            "capacity": amounts, "allocatable": amounts,
            "conditions": [
                condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            ],
            "nodeInfo": {
                "architecture": "amd64", "operatingSystem": "linux", "osImage": "Slipway sandbox", "kernelVersion": "6.1.0",
                "kubeletVersion": discovery::VERSION, "kubeProxyVersion": "",
                "containerRuntimeVersion": "sandbox://1.0.0", "bootID": uuid::Uuid::new_v4().to_string(),
                "machineID": "5a17b0c5", "systemUUID": uuid::Uuid::new_v4().to_string(),
            },
            "daemonEndpoints": { "kubeletEndpoint": { "Port": 10250 } },
        },
    })
}
