package decode

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"net/netip"
	"regexp"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"nightjar/agent/bpf"
	"nightjar/secl/event"
)

func init() {
	register(map[string]fill{
		"dns": func(d *Decoder, e *event.Event, r bpf.Record) {
			d.network(e, r)
			readDNS(&e.DNS, r.Part(bpf.PartBytes), int64(r.Num[0]), e.Network.L4 == unix.IPPROTO_TCP)
		},
		"imds": func(d *Decoder, e *event.Event, r bpf.Record) {
			d.network(e, r)
			readIMDS(&e.IMDS, r.Part(bpf.PartBytes))
		},
	})
}

// As in the family "network directions" of secl/event.
const (
	egress  = 1
	ingress = 2
)

func (d *Decoder) network(e *event.Event, r bpf.Record) {
	p := r.Packet()
	if p == nil {
		return
	}
	n := &e.Network
	n.Source, n.Destination = packetEnd(p.L3, p.Source, p.SourcePort), packetEnd(p.L3, p.Destination, p.DestinationPort)
	n.L3, n.L4, n.Size, n.Direction = int64(p.L3), int64(p.L4), int64(p.Size), egress
	if p.Incoming != 0 {
		n.Direction = ingress
	}
	if r.Who.Netns == d.netns() {
		n.Device = device(p.Device)
	}
}

func packetEnd(l3 uint16, address [16]byte, port uint16) event.Endpoint {
	ip := netip.AddrFrom16(address)
	if l3 == unix.ETH_P_IP {
		ip = netip.AddrFrom4([4]byte(address[:4]))
	}
	return endpoint(netip.AddrPortFrom(ip, port))
}

// netns is the network namespace of the agent, in which it can ask for the names of
// devices.
func (d *Decoder) netns() uint32 {
	if d.ownNet == 0 {
		var s unix.Stat_t
		if unix.Stat("/proc/self/ns/net", &s) == nil {
			d.ownNet = uint32(s.Ino)
		}
	}
	return d.ownNet
}

// device is the name of a device by its number; empty if it is gone.
func device(index uint32) string {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq("")
	if err != nil {
		return ""
	}
	r.SetUint32(index)
	if unix.IoctlIfreq(fd, unix.SIOCGIFNAME, r) != nil {
		return ""
	}
	return r.Name()
}

// readDNS reads the header and the first question of a message, what there is of it.
// What can't be read stays empty: packets to the port of DNS may be anything. size is
// that of the whole message.
func readDNS(q *event.DNS, b []byte, size int64, stream bool) {
	const prefix = 2 // bytes of a length before a message of TCP
	if stream {
		b, size = b[min(prefix, len(b)):], max(size-prefix, 0)
	}
	q.Length = size
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil {
		return
	}
	q.ID, q.Response, q.Count = int64(h.ID), int64(h.RCode), int64(binary.BigEndian.Uint16(b[4:]))
	first, err := p.Question()
	if err != nil {
		return
	}
	q.Name = strings.TrimSuffix(first.Name.String(), ".")
	q.Type, q.Class = int64(first.Type), int64(first.Class)
}

// credentials finds the kind of credentials in a response.
var credentials = regexp.MustCompile(`"Type"\s*:\s*"([^"]{1,64})"`)

// readIMDS reads the head of a request or a response, as far as it is there.
func readIMDS(m *event.IMDS, b []byte) {
	head, body, _ := bytes.Cut(b, []byte("\r\n\r\n"))
	first, rest, _ := strings.Cut(string(head), "\r\n")
	headers := http.Header{}
	for line := range strings.SplitSeq(rest, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		headers.Add(name, strings.TrimSpace(value))
	}
	if strings.HasPrefix(first, "HTTP/") {
		m.Type, m.Server = "response", headers.Get("Server")
		if found := credentials.FindSubmatch(body); found != nil {
			m.Credentials = string(found[1])
		}
		m.Provider = provider(m, headers)
		return
	}
	method, target, _ := strings.Cut(first, " ")
	target, _, _ = strings.Cut(target, " HTTP/")
	m.Type, m.URL, m.Host, m.UserAgent = "request", target, headers.Get("Host"), headers.Get("User-Agent")
	m.V2 = headers.Get(tokenHeader) != "" || method == http.MethodPut && strings.HasPrefix(target, "/latest/api/token")
	m.Provider = provider(m, headers)
}

// tokenHeader has the session of version 2 of the service of AWS.
const tokenHeader = "X-Aws-Ec2-Metadata-Token"

// provider tells clouds apart by the headers that each asks for, or sends, and by
// paths that only one has.
func provider(m *event.IMDS, h http.Header) string {
	switch {
	case h.Get("Metadata-Flavor") == "Google" || strings.HasPrefix(m.URL, "/computeMetadata/"):
		return "gcp"
	case h.Get("Metadata") == "true" || strings.HasPrefix(m.URL, "/metadata/instance"):
		return "azure"
	case strings.HasPrefix(m.URL, "/opc/"):
		return "oracle"
	case strings.HasPrefix(h.Get("Metadata-Flavor"), "ibm") || strings.HasPrefix(m.URL, "/instance_identity/"):
		return "ibm"
	case m.V2 || h.Get("Server") == "EC2ws" || h.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "" || strings.Contains(m.URL, "/meta-data/"):
		return "aws"
	}
	return ""
}
