//! Looks names up.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

/// All addresses a name means.
pub type Found<'a> = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// What looks names up. Addresses written as numbers mean themselves, in every way of writing them
/// that the system's own functions understand.
pub trait Resolve: Send + Sync {
    /// All addresses of a host.
    fn resolve<'a>(&'a self, host: &'a str) -> Found<'a>;
}

impl<T: Resolve + ?Sized> Resolve for std::sync::Arc<T> {
    fn resolve<'a>(&'a self, host: &'a str) -> Found<'a> {
        (**self).resolve(host)
    }
}

/// The system's own names.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Found<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}
