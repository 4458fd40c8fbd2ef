package elasticsearch

import "time"

// pace is how much is sent at once: bytes of a request and requests at a time. It
// grows slowly while the server takes everything in good time, and is halved
// when it does not.
type pace struct {
	bytes, requests         int
	mostBytes, mostRequests int
	calm                    int // requests in a row that went well
}

const (
	leastBytes = 16 << 10
	goodTime   = 2 * time.Second // a request that takes longer is not made larger
	calmRun    = 16              // requests that went well before one more is sent at a time
)

func newPace(requests, bytes int) pace {
	return pace{bytes: min(bytes, 1<<20), requests: requests, mostBytes: bytes, mostRequests: requests}
}

// well notes a request of full size that was answered.
func (p *pace) well(took time.Duration, size int) {
	if took > goodTime {
		p.calm = 0
		return
	}
	if size > p.bytes/2 {
		p.bytes = min(p.mostBytes, p.bytes+p.bytes/4)
	}
	if p.calm++; p.calm >= calmRun {
		p.calm = 0
		p.requests = min(p.mostRequests, p.requests+1)
	}
}

// busy notes that the server was asked for too much by a request made when this
// many bytes were sent at once.
func (p *pace) busy(bytes int) {
	p.calm = 0
	if bytes > p.bytes {
		return // halved since
	}
	p.bytes = max(min(leastBytes, p.bytes), p.bytes/2)
	p.requests = max(1, p.requests/2)
}

// large notes that a request was larger than the server takes.
func (p *pace) large(size int) {
	p.calm = 0
	p.bytes = min(p.bytes, size/2)
	p.mostBytes = min(p.mostBytes, size-1)
}
