package pipelinetest

import "time"

// Patience is how long a test waits for what must come before it gives up. It is
// no measure of speed: a machine may be busy, or stand still for a minute.
const Patience = 3 * time.Minute
