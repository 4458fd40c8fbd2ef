package config

import "fmt"

// loops refuses relays that write where a source of the same configuration
// reads: what is handed on would come back and be handed on again.
func (l *loader) loops() {
	for i, r := range l.cfg.Relays {
		w, ok := r.Config.(interface{ Writes() (places []string) })
		if !ok {
			continue
		}
		for _, s := range l.cfg.Sources {
			reads, ok := s.Config.(interface{ Reads(place string) bool })
			if !ok {
				continue
			}
			for _, place := range w.Writes() {
				if reads.Reads(place) {
					l.fault(l.spots.find(fmt.Sprintf("relay[%d].topic", i)).at, fmt.Sprintf("source %q reads what this relay writes", s.Name),
						"What is handed on would come back. A relay is for other processes to read; choose another topic, or leave the relay or the source out.")
					break
				}
			}
		}
	}
}
