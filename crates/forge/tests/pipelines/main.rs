//! The use cases of repositories, proposals, runs, logs, webhooks and releases: SQLite, the real adapter, and the
//! sandbox's GitLab with its faults.

mod bad_days;
mod beside;
mod imports;
mod imports_killed;
mod imports_trouble;
mod inputs;
mod logs;
mod oauth;
mod oauth_abuse;
mod path;
mod patience;
mod reports;
mod schedules;
mod templates;
mod templates_killed;
mod webhooks;
mod working_copy;
mod world;
