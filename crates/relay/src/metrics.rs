//! Counters for Prometheus. None of them names a trainer or a channel.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Hook {
    provider: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Event {
    event: &'static str,
}

/// Counts one as long as it lives.
pub(crate) struct Held(Gauge);

impl Held {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// All counters of a node.
pub(crate) struct Metrics {
    registry: Registry,
    hooks: Family<Hook, Counter>,
    hints: Family<Event, Counter>,
    streams: Gauge,
    waiting: Gauge,
    opened: Counter,
    channels: Counter,
    ready: Gauge,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("roundtrip_relay");
        let hooks = Family::default();
        let hints = Family::default();
        let (streams, opened, channels, ready) = (
            Gauge::default(),
            Counter::default(),
            Counter::default(),
            Gauge::default(),
        );
        let waiting = Gauge::default();
        registry.register(
            "hooks",
            "Notifications of calendar services, by outcome",
            hooks.clone(),
        );
        registry.register("hints", "Hints that were put onto streams", hints.clone());
        registry.register("streams_open", "Streams that are open", streams.clone());
        registry.register("streams_opened", "Streams that were opened", opened.clone());
        registry.register("channels_opened", "Channels that were made", channels.clone());
        registry.register("ready", "1 if this node takes requests", ready.clone());
        registry.register(
            "hooks_waiting",
            "Notifications that wait for the end of a burst",
            waiting.clone(),
        );
        Self {
            registry,
            waiting,
            hooks,
            hints,
            streams,
            opened,
            channels,
            ready,
        }
    }

    /// A calendar service called.
    pub fn hook(&self, provider: &'static str, outcome: &'static str) {
        self.hooks.get_or_create(&Hook { provider, outcome }).inc();
    }

    /// A hint went onto a stream.
    pub fn hint(&self, event: &'static str) {
        self.hints.get_or_create(&Event { event }).inc();
    }

    /// A stream was opened; it ends with what is answered.
    pub fn stream(&self) -> Held {
        self.opened.inc();
        Held::new(&self.streams)
    }

    /// A notification waits for the end of a burst, as long as what is answered lives.
    pub fn waiting(&self) -> Held {
        Held::new(&self.waiting)
    }

    /// A channel was made.
    pub fn channel_opened(&self) {
        self.channels.inc();
    }

    /// In the OpenMetrics text format.
    pub fn text(&self, ready: bool) -> String {
        self.ready.set(i64::from(ready));
        let mut out = String::new();
        // Writing into a text cannot fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}
