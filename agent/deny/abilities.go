package deny

import "errors"

// Abilities are the mechanisms by which this host denies exec, open and connect, and
// carries network_filter out; "no: …" where it can't. Nothing is denied meanwhile.
func Abilities() map[string]string {
	out := map[string]string{}
	say := func(what, by, why string) {
		if out[what] = by; by == "" {
			out[what] = "no: " + why
		}
	}
	g, err := NewGuard(Options{})
	if err == nil {
		err = g.Arm(false)
	}
	for _, op := range []Operation{Exec, Open, Connect} {
		by, why := "", ""
		switch {
		case err != nil:
			why = err.Error()
		case op == Connect:
			by, why = g.netMechanism()
		default:
			by, why = g.fileMechanism(op)
		}
		say(string(op), by, why)
	}
	if g != nil {
		_ = g.Close()
	}
	d := &Dropper{}
	_, group := groupOr("")
	if err := errors.Join(group, d.Prepare()); err != nil {
		say("network_filter", "", err.Error())
	} else {
		say("network_filter", ByCGroup, "")
	}
	_ = d.Close()
	return out
}
