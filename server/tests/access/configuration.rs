//! Configuration: what is wrong is told with its key, where it came from, and what to do.

use slipway_server::config::Config;
use slipway_server::outside;
use std::path::PathBuf;

const KEY: &str = "[secrets]\nkey = \"0123456789abcdef\"\n";

fn file(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("slipway.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn trouble(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let error = Config::load(Some(&file(&folder, text))).unwrap_err().to_string();
    error.replace(&folder.path().display().to_string(), "FOLDER")
}

#[test]
fn a_small_file_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::load(Some(&file(&folder, KEY))).unwrap();
    assert_eq!(config.server.url(), "http://127.0.0.1:3000");
    assert!(config.sign_in.local);
    assert!(
        !format!("{config:?}").contains("0123456789abcdef"),
        "secrets are not shown"
    );
}

#[test]
fn slipways_own_service_account_is_lent_only_where_that_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Config::load(Some(&file(&folder, KEY))).unwrap();
    assert!(!plain.outgoing.rule().in_cluster());
    let text = format!("{KEY}[outgoing]\nin_cluster = true\n");
    let lending = Config::load(Some(&file(&folder, &text))).unwrap();
    assert!(lending.outgoing.rule().in_cluster());
}

#[test]
fn every_trouble_is_told_at_once_with_its_key_and_its_source() {
    let text = "[server]\nlisten = \"here\"\n[database]\nurl = \"mysql://x\"\n\
                [[gitlab]]\nname = \"\"\nbase_url = \"gitlab\"\n[[clusters]]\nname = \"c\"\n";
    insta::assert_snapshot!(trouble(text), @r"
    the configuration is wrong:
      server.listen: `here` is not an address and a port; write for example 127.0.0.1:3000 (from FOLDER/slipway.toml)
      database.url: must start with sqlite:// or postgres://; write for example sqlite://slipway.db (from FOLDER/slipway.toml)
      secrets.key: needs at least 16 characters that nobody can guess; make them with `openssl rand -base64 32`, keep them safe, and set SLIPWAY__SECRETS__KEY (not set)
      gitlab.0.name: is empty; give the connection a name (from FOLDER/slipway.toml)
      gitlab.0.base_url: `gitlab` is not a URL; write for example https://gitlab.example.com (from FOLDER/slipway.toml)
      gitlab.0.token: set exactly one of token and token_file (from FOLDER/slipway.toml)
      clusters.0.kubeconfig: set exactly one of kubeconfig and in_cluster = true (from FOLDER/slipway.toml)
    ");
}

#[test]
fn a_provider_of_sign_in_is_told_what_it_lacks() {
    let text = format!(
        "{KEY}[[oidc]]\nkey = \"gitlab\"\nname = \"\"\nissuer = \"sso\"\nclient_id = \"\"\n\
         [[oidc]]\nkey = \"sso\"\nname = \"SSO\"\nissuer = \"https://a.example\"\nclient_id = \"x\"\n\
         client_secret = \"s\"\nclient_secret_env = \"S\"\n\
         [[oidc]]\nkey = \"sso\"\nname = \"Other\"\nissuer = \"https://b.example\"\nclient_id = \"x\"\n\
         client_secret_file = \"secret\"\n"
    );
    insta::assert_snapshot!(trouble(&text), @r"
    the configuration is wrong:
      oidc.0.key: is an address of Slipway's own; choose another (from FOLDER/slipway.toml)
      oidc.0.name: is empty; give the provider a name (from FOLDER/slipway.toml)
      oidc.0.issuer: `sso` is not a URL; write for example https://sso.example.com/realms/work (from FOLDER/slipway.toml)
      oidc.0.client_id: is empty; register Slipway with the provider, with the redirect URI …/sign-in/gitlab/callback (from FOLDER/slipway.toml)
      oidc.0.client_secret: set exactly one of client_secret, client_secret_env and client_secret_file (from FOLDER/slipway.toml)
      oidc.1.client_secret: set exactly one of client_secret, client_secret_env and client_secret_file (from FOLDER/slipway.toml)
      oidc.2.key: is another provider's already; choose another (from FOLDER/slipway.toml)
    ");
}

#[test]
fn a_mail_server_is_told_what_it_lacks_and_needs_no_more_than_a_host_and_a_sender() {
    let text = format!(
        "{KEY}[smtp]\nhost = \"smtp://mail\"\nport = 0\nsecurity = \"ssl\"\nusername = \"me\"\nfrom = \"Slipway\"\n"
    );
    insta::assert_snapshot!(trouble(&text), @r"
    the configuration is wrong:
      smtp.host: `smtp://mail` is no host; write the host alone, as in smtp.example.com (from FOLDER/slipway.toml)
      smtp.port: is 0; use the server's port, or leave it away (from FOLDER/slipway.toml)
      smtp.security: `ssl` is unknown; use tls, starttls or none (from FOLDER/slipway.toml)
      smtp.username: set username with exactly one of password and password_file, or none of the three (from FOLDER/slipway.toml)
      smtp.from: `Slipway` is no sender; write slipway@example.com or Slipway <slipway@example.com> (from FOLDER/slipway.toml)
    ");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "opensesame\n").unwrap();
    let text = format!(
        "{KEY}[smtp]\nhost = \"mail\"\nfrom = \"a@example.com\"\nusername = \"me\"\npassword_file = \"secret\"\n"
    );
    let config = Config::load(Some(&file(&folder, &text))).unwrap();
    let access = config.smtp.unwrap().access().unwrap();
    assert_eq!(
        (access.server.port, access.password.as_str()),
        (587, "opensesame")
    );
    assert!(access.operator);
}

#[test]
fn an_unknown_key_and_a_value_of_another_type_are_named() {
    let unknown = trouble("[server]\nlistn = \"127.0.0.1:1\"\n");
    assert!(
        unknown.contains("listn") && unknown.contains("listen"),
        "{unknown}"
    );
    let kind = trouble("[sign_in]\nidle_minutes = \"long\"\n");
    assert!(
        kind.contains("sign_in.idle_minutes") && kind.contains("slipway.toml"),
        "{kind}"
    );
    let missing = Config::load(Some(std::path::Path::new("/nowhere/slipway.toml")))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("/nowhere/slipway.toml") && missing.contains("--config"));
}

#[test]
fn no_file_is_needed_where_the_environment_says_it_all() {
    // No slipway.toml lies here, and the key is set nowhere: that it is missing is all there is to say.
    let error = Config::load(None).unwrap_err().to_string();
    assert!(
        error.contains("secrets.key") && error.contains("SLIPWAY__SECRETS__KEY"),
        "{error}"
    );
}

#[tokio::test]
async fn a_database_of_a_newer_slipway_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("slipway.db").display());
    let config = slipway_server::config::Database { url };
    let store = outside::database(&config).await.unwrap();
    let insert = "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
                  VALUES (9999, 'of tomorrow', CURRENT_TIMESTAMP, 1, X'00', 0)";
    store.execute_for_tests(insert.to_owned()).await.unwrap();
    store.close().await;
    let error = format!(
        "{:#}",
        outside::database(&config).await.err().expect("it was opened")
    );
    assert!(
        error.contains("9999") && error.contains("newer Slipway"),
        "{error}"
    );
}
