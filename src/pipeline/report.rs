//! What a run read, lost and found.

