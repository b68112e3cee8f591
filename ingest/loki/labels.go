package loki

import (
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// stream is the labels that entries share.
type stream struct {
	labels []label
	// members are what they make of an event, each with a comma behind it; name is
	// the same for the same labels, in whatever order.
	members []byte
	name    string
}

type label struct{ name, value string }

// Labels that speak of the reserved fields; of each the first that is there. All labels
// are tags too.
var (
	serviceLabels = []string{"service_name", "service", "app", "application", "app_kubernetes_io_name", "container", "container_name", "job"}
	hostLabels    = []string{"host", "hostname", "instance", "node_name", "nodename", "node"}
	levelLabels   = []string{"level", "severity", "detected_level"}
	sourceLabels  = []string{"ddsource", "source"}
)

// ofObject is the stream of an object of labels.
func (s *stream) ofObject(o *fastjson.Object) {
	s.labels = s.labels[:0]
	if o != nil {
		o.Visit(func(k []byte, v *fastjson.Value) { s.labels = append(s.labels, label{string(k), scalar(v)}) })
	}
	s.make()
}

// ofText is the stream of labels written as {a="b", c="d"}. What is not written so is
// kept as it is, as one attribute.
func (s *stream) ofText(text string) {
	labels, ok := parseLabels(text)
	s.labels = labels
	s.make()
	if !ok {
		s.name = text
		s.members = appendMetadata(s.members, "loki.labels", text)
	}
}

func (s *stream) make() {
	slices.SortStableFunc(s.labels, func(a, b label) int { return strings.Compare(a.name, b.name) })
	var name strings.Builder
	s.members = s.members[:0]
	if len(s.labels) > 0 {
		s.members = append(s.members, `"ddtags":{`...)
		for _, l := range s.labels {
			s.members = schema.AppendMember(s.members, l.name, l.value)
			name.WriteString(l.name + "\x00" + l.value + "\x00")
		}
		s.members = append(s.members[:len(s.members)-1], '}', ',')
	}
	s.name = name.String()
	s.field("service", serviceLabels)
	s.field("hostname", hostLabels)
	s.field("level", levelLabels)
	s.field("ddsource", sourceLabels)
}

// field gives a reserved field the value of the first of the labels that is there.
func (s *stream) field(field string, labels []string) {
	for _, name := range labels {
		for _, l := range s.labels {
			if l.name == name && l.value != "" {
				s.members = schema.AppendMember(s.members, field, l.value)
				return
			}
		}
	}
}

// appendMetadata appends a member that is an attribute. Names of what an entry says
// itself stand among attributes only.
func appendMetadata(out []byte, name, value string) []byte {
	switch name {
	case "timestamp", "message", "ddtags", "tags", "attributes":
		out = schema.AppendMember(append(out, `"attributes":{`...), name, value)
		return append(out[:len(out)-1], '}', ',')
	case "detected_level":
		out = schema.AppendMember(out, "level", value)
	}
	return schema.AppendMember(out, name, value)
}

// parseLabels reads {a="b", c="d"}; not ok: something in it is written otherwise.
func parseLabels(text string) (labels []label, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "{")
	if !ok {
		return nil, false
	}
	for {
		rest = strings.TrimLeft(rest, " \t")
		if rest == "}" {
			return labels, true
		}
		name, after, ok := strings.Cut(rest, "=")
		after = strings.TrimLeft(after, " \t")
		quoted, err := strconv.QuotedPrefix(after)
		if !ok || err != nil {
			return labels, false
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return labels, false
		}
		labels = append(labels, label{strings.TrimSpace(name), value})
		rest = strings.TrimLeft(after[len(quoted):], " \t")
		rest = strings.TrimPrefix(rest, ",")
	}
}
