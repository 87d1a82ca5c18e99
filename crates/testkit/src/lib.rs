//! For tests: a clock that stands still, a portal around any store, and the conformance suite that every
//! store must pass. GitLab and Kubernetes are faked at the wire by the sandbox, a mail server by [`smtp`], object storage by [`s3`],
//! never behind their ports.

pub mod authenticator;
pub mod clock;
pub mod conformance;
pub mod portal;
pub mod s3;
pub mod smtp;

pub use authenticator::Authenticator;
pub use clock::MockClock;
pub use portal::{Counted, Unconnected, mailing, portal, saved, sending_portal, shelving, signing_in};
pub use s3::{S3Fault, S3Server};
pub use smtp::{SmtpFault, SmtpServer};
