//! What happened on the socket that no caller is told of.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The running counts.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: Count,)*
        }

        /// The counts at one moment, since the start.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            pub(super) fn read(&self) -> Counts {
                Counts { $($name: self.$name.0.load(Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Connections made.
    connected,
    /// Connections that could not be made, or broke.
    lost,
    /// Requests handed to the socket.
    sent,
    /// Calls whose caller left before the request was sent: lightningd never saw them.
    withdrawn,
    /// Answers to calls whose caller no longer waits.
    late,
    /// Answers whose id belongs to no call of ours, or to one long forgotten.
    unknown_id,
    /// `message`, `progress` and any other notification.
    notifications,
    /// Answers past the size limit, the socket's or the caller's.
    too_large,
    /// Messages that are not JSON-RPC 2.0.
    malformed,
}

#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn up(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}
