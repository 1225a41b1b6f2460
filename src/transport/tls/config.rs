//! What the options say of certificates, in the terms of rustls.

#![forbid(unsafe_code)]

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig,
    SignatureScheme, SupportedProtocolVersion,
};
use std::sync::Arc;

/// Certificates and keys as text (PEM), and what they are for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials<'a> {
    /// `ZMQ_WSS_CERT_PEM`: this side's certificates, its own first.
    pub certificates: &'a [u8],
    /// `ZMQ_WSS_KEY_PEM`: the key of the first.
    pub key: &'a [u8],
    /// `ZMQ_WSS_TRUST_PEM`: authorities for the other side's certificates.
    pub trust: &'a [u8],
    /// `ZMQ_WSS_TRUST_SYSTEM`: the system's authorities are trusted too.
    pub trusts_system: bool,
    /// `ZMQ_WSS_HOSTNAME`: the name in the server's certificate; any if empty.
    pub hostname: &'a str,
}

/// Why there is no TLS, for the log.
pub type Refusal = String;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

impl Credentials<'_> {
    /// What a server goes by. With authorities to trust it asks clients for certificates.
    ///
    /// Errors: a certificate or key that is missing or cannot be read.
    pub fn server(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Arc<ServerConfig>, Refusal> {
        let (certificates, key) = self.identity()?.ok_or("the server has no certificate")?;
        let verifier: Arc<dyn ClientCertVerifier> = match self.trust {
            [] => WebPkiClientVerifier::no_client_auth(),
            _ => WebPkiClientVerifier::builder_with_provider(self.roots()?.into(), provider())
                .build()
                .map_err(|error| error.to_string())?,
        };
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .map_err(|error| error.to_string())?
            .with_client_cert_verifier(verifier)
            .with_single_cert(certificates, key)
            .map_err(|error| format!("the server's certificate or key: {error}"))?;
        Ok(Arc::new(config))
    }

    /// What a client goes by. It shows its certificate to a server that asks, if it has one.
    ///
    /// Errors: certificates or a key that cannot be read.
    pub fn client(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Arc<ClientConfig>, Refusal> {
        let verifier = AnyName {
            inner: WebPkiServerVerifier::builder_with_provider(self.roots()?.into(), provider())
                .build()
                .map_err(|_| "no authority is trusted (ZMQ_WSS_TRUST_PEM, ZMQ_WSS_TRUST_SYSTEM)")?,
            checks_name: !self.hostname.is_empty(),
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match self.identity()? {
            None => builder.with_no_client_auth(),
            Some((certificates, key)) => builder
                .with_client_auth_cert(certificates, key)
                .map_err(|error| format!("the client's certificate or key: {error}"))?,
        };
        config.enable_sni = !self.hostname.is_empty();
        Ok(Arc::new(config))
    }

    /// The name to ask the server for.
    ///
    /// Errors: it is none.
    pub fn server_name(&self) -> Result<ServerName<'static>, Refusal> {
        let name = match self.hostname {
            "" => "unnamed.invalid", // neither sent nor compared
            name => name,
        };
        let name = ServerName::try_from(name.to_owned());
        name.map_err(|_| format!("ZMQ_WSS_HOSTNAME is no host name: {}", self.hostname))
    }

    #[allow(clippy::type_complexity)]
    fn identity(
        &self,
    ) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, Refusal> {
        if self.certificates.is_empty() && self.key.is_empty() {
            return Ok(None);
        }
        let certificates = certificates(self.certificates)?;
        let key = PrivateKeyDer::from_pem_slice(self.key)
            .map_err(|error| format!("ZMQ_WSS_KEY_PEM: {error}"))?;
        Ok(Some((certificates, key)))
    }

    fn roots(&self) -> Result<RootCertStore, Refusal> {
        let mut roots = RootCertStore::empty();
        if !self.trust.is_empty() {
            for authority in certificates(self.trust)? {
                let added = roots.add(authority);
                added.map_err(|error| format!("ZMQ_WSS_TRUST_PEM: {error}"))?;
            }
        }
        if self.trusts_system {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Ok(roots)
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Refusal> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if all.is_empty() => Err("no certificate in a PEM text".into()),
        Ok(all) => Ok(all),
        Err(error) => Err(format!("a certificate cannot be read: {error}")),
    }
}

/// The usual checks of a server's certificate, but for the name if none is wanted: libzmq
/// checks it only with `ZMQ_WSS_HOSTNAME`.
#[derive(Debug)]
struct AnyName {
    inner: Arc<WebPkiServerVerifier>,
    checks_name: bool,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        use rustls::Error::InvalidCertificate;
        let verified = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            // The chain and its dates come first: only the name is left to be wrong.
            Err(InvalidCertificate(NotValidForName | NotValidForNameContext { .. }))
                if !self.checks_name =>
            {
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
