package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

func commitFor(c *kgo.Client, group, topic string, partition int32, offset int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), pipelinetest.Patience)
	defer cancel()
	var o kadm.Offsets
	o.AddOffset(topic, partition, offset, -1)
	return kadm.NewClient(c).CommitAllOffsets(ctx, group, o)
}
