package kafka

import "github.com/twmb/franz-go/pkg/kgo"

type producer struct{ client *kgo.Client }
