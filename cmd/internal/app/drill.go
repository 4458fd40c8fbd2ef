package app

import (
	"context"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/drill"
)

// Drill sends a test signal through the running line and tells what each
// station made of it. See package drill.
func (a *App) Drill(ctx context.Context, by string, timeout time.Duration) (api.DrillAnswer, error) {
	line := drill.Line{Pipeline: a.line, Keys: a.keys, Searcher: a.search, Now: a.o.Now}
	for _, i := range a.indexes {
		line.Indexes = append(line.Indexes, i.name)
	}
	answer, err := a.drill.Run(ctx, line, by, timeout)
	if err != nil {
		return answer, err
	}
	a.metrics.drilled(answer, a.o.Now())
	if !answer.OK {
		for _, s := range answer.Stations {
			if s.State == api.StationFailed {
				a.log.Error("drill failed", "station", s.Station, "seen", s.Seen, "by", by)
			}
		}
	}
	return answer, nil
}
