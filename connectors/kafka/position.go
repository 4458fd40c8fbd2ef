package kafka

// item is a record on its way through the line. One without a body to hand over
// only holds its place.
type item struct {
	offset int64
	epoch  int32
	done   bool
}

// track knows which records of a partition are done, and so up to where it is
// done without a gap. Records are entered in order.
type track struct {
	open  []*item // entered and at or after the first that is not done
	at    int64   // everything before is done
	epoch int32   // leader epoch of the last record before at; -1 if unknown
}

func (t *track) enter(i *item) {
	t.open = append(t.open, i)
	t.settle()
}

func (t *track) done(i *item) {
	i.done = true
	t.settle()
}

func (t *track) settle() {
	n := 0
	for n < len(t.open) && t.open[n].done {
		t.at, t.epoch = t.open[n].offset+1, t.open[n].epoch
		n++
	}
	t.open = t.open[n:]
}
