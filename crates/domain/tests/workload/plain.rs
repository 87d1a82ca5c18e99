//! Plain manifests from a repository.

use serde_json::Value;
use slipway_domain::manifest::plain::read;
use slipway_domain::release::Image;
use slipway_domain::text::Text;

fn image() -> Image {
    Image {
        repository: String::from("r.example.com:5000/acme/shop"),
        digest: format!("sha256:{}", "ab".repeat(32)),
    }
}

fn read_one(text: &str) -> Result<Vec<Value>, Text> {
    read(
        &[(String::from("deploy/app.yaml"), text.to_owned())],
        &[image()],
        "shop",
    )
}

fn deployment(image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: shop}}\nspec:\n  template:\n    spec:\n      containers:\n      - name: shop\n        image: {image}\n        env:\n        - name: A\n          valueFrom: {{secretKeyRef: {{name: s, key: k}}}}\n"
    )
}

#[test]
fn the_image_of_the_release_takes_the_place_of_any_tag() {
    for named in [
        "r.example.com:5000/acme/shop",
        "r.example.com:5000/acme/shop:latest",
        "r.example.com:5000/acme/shop:1.2@sha256:00",
    ] {
        let objects = read_one(&deployment(named)).expect("readable");
        let container = &objects[0]["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["image"], image().reference(), "{named}");
        assert_eq!(container["env"][0]["valueFrom"]["secretKeyRef"]["key"], "k");
    }
    let by_digest = format!("busybox@sha256:{}", "01".repeat(32));
    let objects = read_one(&deployment(&by_digest)).expect("readable");
    assert_eq!(
        objects[0]["spec"]["template"]["spec"]["containers"][0]["image"],
        by_digest
    );
    assert!(read_one(&deployment("busybox:1")).is_err(), "a tag may change");
    assert!(read_one(&deployment("busybox@sha256:00")).is_err());
}

#[test]
fn what_leads_out_of_the_namespace_is_refused() {
    let good = deployment("r.example.com:5000/acme/shop");
    let with = |more: &str| read_one(&format!("{good}---\n{more}"));
    assert_eq!(
        with("apiVersion: v1\nkind: Service\nmetadata: {name: shop}\n")
            .expect("readable")
            .len(),
        2
    );
    for more in [
        "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: live}\n",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: live}\n",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {p: secret}\n",
        "kind: Service\nmetadata: {name: a}\n",
        "a: [1\n",
    ] {
        assert!(with(more).is_err(), "{more}");
    }
    assert!(
        read_one("apiVersion: v1\nkind: Service\nmetadata: {name: shop}\n").is_err(),
        "nothing to watch"
    );
}
