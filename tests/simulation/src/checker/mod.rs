//! The oracle: what must be true when the faults have stopped (I1 to I15).
