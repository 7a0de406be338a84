//! Real lightningd nodes.
