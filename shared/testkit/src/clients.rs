//! Clients that carry a credential.

use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

/// A channel whose calls carry `authorization: Bearer …`.
pub type Authorised = InterceptedService<Channel, Bearer>;

/// Adds a credential to each call.
#[derive(Clone, Debug)]
pub struct Bearer {
    header: MetadataValue<Ascii>,
}

impl Bearer {
    /// For this key.
    ///
    /// # Panics
    /// If the key cannot be sent in a header.
    #[must_use]
    pub fn new(key: &str) -> Bearer {
        let mut header: MetadataValue<Ascii> =
            format!("Bearer {key}").parse().expect("a key consists of printable ASCII characters");
        header.set_sensitive(true);
        Bearer { header }
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.header.clone());
        Ok(request)
    }
}
