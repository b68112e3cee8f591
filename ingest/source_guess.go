package ingest

import (
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// Sources that are told by the shape of their events.
const (
	windowsEvents = "windows.events"
	zeekSource    = "zeek"
	suricata      = "suricata"
)

// guessSource gives an event that says no source, and of which the request says none, the
// source that its shape has, or that of its line, and notes that it was guessed. Names
// that mean something else in the logs of that source than with everybody else are
// attributes and nothing more.
func (d *Decoder) guessSource(e *schema.Event, x *draft) {
	own := x.ownSource(e)
	if e.Source != "" && e.Source != zeekSource && e.Source != suricata && !own {
		return
	}
	if x.read != nil {
		x.needsTree = x.needsTree || x.shaped || e.Source == "" && d.sourceOfLine(e.Message) != ""
		return
	}
	s := shapeOf(x.pairs)
	switch {
	case e.Source == "" && s.channel != "":
		e.Source, x.family, x.guessed = windowsEvents, channelFamily(s.channel), true
	case (e.Source == "" || own || e.Source == zeekSource) && s.isZeek():
		if own && e.Source != zeekSource { // in files.log, the protocol that a file came by
			x.plain(slotSource)
			e.Source = ""
		}
		x.guessed = e.Source == ""
		e.Source, x.family = zeekSource, s.path
		s.asZeek(x)
	case (e.Source == "" || e.Source == suricata) && s.isSuricata(x):
		x.guessed = e.Source == ""
		e.Source, x.family = suricata, s.eventType
		e.Message = first(e.Message, s.signature)
	case e.Source == "" || own:
		d.guessFurther(e, x)
	}
}

// guessFurther asks the tables.
func (d *Decoder) guessFurther(e *schema.Event, x *draft) {
	if s := shapeIn(x.pairs, x.named); s != nil {
		if e.Source != "" && !s.ownSource {
			return
		}
		x.plain(slotSource)
		e.Source, x.guessed = s.source, true
		if s.source == windowsEvents {
			m := &members{pairs: x.pairs}
			x.family = channelFamily(first(m.text("Channel"), m.text("channel"), m.text("log_name"), string(m.value("winlog").GetStringBytes("channel"))))
		}
		return
	}
	if e.Source == "" {
		e.Source = d.sourceOfLine(first(x.line, e.Message))
		x.guessed = e.Source != ""
	}
}

// ownSource reports whether the source is what the event calls its source, and nobody
// else does.
func (x *draft) ownSource(e *schema.Event) bool {
	return e.Source != "" && x.named[slotSource].kind == '"' && x.named[slotDdsource].isNothing()
}

// eventShape is what the members of an event tell of its source.
type eventShape struct {
	channel string // of Windows

	path                       string // Zeek's name of a log
	ts, uid, orig              bool
	http, connection, services bool

	eventType, signature string
	flow                 bool
}

func shapeOf(pairs []schema.Pair) (s eventShape) {
	for _, p := range pairs {
		switch p.Key {
		case eventLog:
			s.channel = string(p.Value.GetStringBytes("System", "Channel"))
		case "_path":
			s.path = string(p.Value.GetStringBytes())
		case "ts":
			s.ts = true
		case "uid":
			s.uid = p.Value.Type() == fastjson.TypeString
		case "id.orig_h":
			s.orig = true
		case "id":
			s.orig = s.orig || p.Value.Get("orig_h") != nil
		case "trans_depth":
			s.http = true
		case "conn_state", "proto":
			s.connection = true
		case "port_proto":
			s.services = true
		case "event_type":
			s.eventType = string(p.Value.GetStringBytes())
		case "alert":
			s.signature = string(p.Value.GetStringBytes("signature"))
		case "flow_id", "src_ip", "stats":
			s.flow = true
		}
	}
	return s
}

func (s *eventShape) isZeek() bool { return s.ts && (s.path != "" || s.uid && s.orig) }

// asZeek leaves Zeek's own meaning to what it calls host (the one that a client asked
// for), hostname (of a client of NTLM), service (the protocol of a connection, what a
// ticket is for) and date (a mail's).
func (s *eventShape) asZeek(x *draft) {
	x.plain(slotDate)
	if s.http {
		x.plain(slotHost)
	}
	if s.path == "ntlm" {
		x.plain(slotHostname)
	}
	if s.connection || s.services || s.path == "kerberos" {
		x.plain(slotService)
	}
}

// plain makes an attribute of what stands in a slot.
func (x *draft) plain(s slot) {
	if t := x.named[s]; t.kind != 0 {
		x.pairs = append(x.pairs, schema.Pair{Key: ownNames[s], Value: t.v})
	}
	x.named[s] = told{}
	if x.said != nil {
		x.said[s] = told{}
	}
}

func (s *eventShape) isSuricata(x *draft) bool {
	return s.eventType != "" && s.flow && (x.named[slotTimestamp].kind != 0 || x.said != nil && x.said[slotTimestamp].kind != 0)
}

// isShape reports whether an event that has no such member has none of those shapes;
// that of Windows is told by eventLog.
func isShape(key string) bool {
	return key == "_path" || key == "uid" || key == "event_type" || marks[key]
}

// channelFamily is what a channel of Windows is of: Sysmon for
// Microsoft-Windows-Sysmon/Operational.
func channelFamily(channel string) string {
	family, _, _ := strings.Cut(strings.TrimPrefix(channel, "Microsoft-Windows-"), "/")
	return family
}
