package state

// appendSession writes the session that the event names. Two of its members
// are conclusions, because rules about sessions are asked often and are turned
// away by plain values: ua_changed and backing.
func (v *View) appendSession(w *object) {
	w.begin("session")
	w.str("id", v.x.session.id)
	state, device, changed := unknown, v.device.id, false
	if r := v.named(); r != nil {
		if state = "revoked"; v.live(r) {
			state = "live"
		}
		w.optTime("established", r.established)
		w.optTime("last_seen", r.last)
		if state == "revoked" {
			w.optTime("ended", max(r.ended, v.near(r.device).sessionsEnded))
		}
		if r.device != "" {
			device = r.device
		}
		w.opt("ua", r.startUA)
		changed = v.otherAgent(r)
	}
	w.str("state", state)
	w.bool("ua_changed", changed)
	w.str("backing", v.backing())
	w.opt("user", v.user.id)
	w.opt("device", device)
	w.close()
}

// named is what the inventory holds of the session that the event names, nil if
// nothing. A session without an id is not named by anything.
func (v *View) named() *session {
	if v.inventory == nil || v.foreign || v.x.session.id == "" {
		return nil
	}
	return v.inventory.find(v.x.session.id, "", false)
}

// otherAgent reports whether the event shows the session in use by another user
// agent than the one it was established by. Both have to be stated.
func (v *View) otherAgent(r *session) bool {
	if effects[v.e.Type] != presentsSession || v.sighting == nil {
		return false
	}
	return r.startUA != "" && v.sighting.ua != "" && v.sighting.ua != r.startUA
}

// backing is what stands behind a session: the stated beginning of a session of
// its user, be it this one or one at the identity provider. It is "live" if one
// of those has not ended; "ended" if all have, so that beginnings are reported
// and none covers this session; "none" if no beginning is known, which allows
// no conclusion. Ends known of a device alone are left aside: finding them would
// take reading every device of the user.
func (v *View) backing() string {
	found := "none"
	if v.inventory == nil || v.foreign {
		return found
	}
	for i := range v.inventory.rows {
		switch r := &v.inventory.rows[i]; {
		case r.established == 0:
		case r.ended == 0:
			return "live"
		default:
			found = "ended"
		}
	}
	return found
}
