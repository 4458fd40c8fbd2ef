//go:build !linux

package pipeline_test

import "time"

// Elsewhere processor time is not measured.

func processTime() time.Duration { return 0 }
func threadTime() time.Duration  { return 0 }
