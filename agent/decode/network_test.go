package decode

import (
	"net/netip"
	"testing"

	"nightjar/secl/event"
)

func TestPublicAddressesAreThoseOfTheInternet(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "10.1.2.3": false, "100.64.0.1": false, "127.0.0.1": false, "169.254.169.254": false,
		"192.168.1.1": false, "198.51.100.7": false, "224.0.0.1": false, "255.255.255.255": false, "0.0.0.0": false,
		"::1": false, "fe80::1": false, "fd00:ec2::254": false, "::ffff:10.0.0.1": false, "::ffff:8.8.8.8": true,
	} {
		e := endpoint(netip.AddrPortFrom(netip.MustParseAddr(text), 1))
		if e.IsPublic != want {
			t.Errorf("%s is public: %v", text, e.IsPublic)
		}
	}
}

func TestAnUnreadableMessageOfDNSHasNoQuestion(t *testing.T) {
	var q event.DNS
	readDNS(&q, []byte("not a message of DNS at all"), 27, false)
	if q.Name != "" || q.Length != 27 {
		t.Errorf("%+v", q)
	}
}

func TestCloudsAreToldApart(t *testing.T) {
	for text, want := range map[string]string{
		"GET /computeMetadata/v1/ HTTP/1.1\r\nMetadata-Flavor: Google\r\n\r\n":                          "gcp",
		"GET /metadata/identity/oauth2/token HTTP/1.1\r\nmetadata: true\r\n\r\n":                        "azure",
		"GET /opc/v2/instance/ HTTP/1.1\r\nAuthorization: Bearer Oracle\r\n\r\n":                        "oracle",
		"PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\nHost: x\r\n\r\n": "aws",
		"GET / HTTP/1.1\r\n\r\n": "",
	} {
		var m event.IMDS
		readIMDS(&m, []byte(text))
		if m.Provider != want || m.Type != "request" || m.V2 != (want == "aws") {
			t.Errorf("%q: %+v", text, m)
		}
	}
}

// FuzzPayload holds that no packet makes the agent fail, or a field longer than it.
func FuzzPayload(f *testing.F) {
	f.Add([]byte("GET /latest/meta-data/ HTTP/1.1\r\nHost: 169.254.169.254\r\nUser-Agent\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nServer: EC2ws\r\n\r\n{\"Type\" : \"AWS-HMAC\"}"))
	f.Add([]byte("\x12\x67\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04evil\x07example\x00\x00\x10\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var q event.DNS
		var m event.IMDS
		const longest = 255
		for _, stream := range []bool{false, true} {
			if readDNS(&q, b, int64(len(b)), stream); len(q.Name) > longest || q.Length < 0 {
				t.Errorf("%+v", q)
			}
		}
		if readIMDS(&m, b); len(m.URL)+len(m.Host)+len(m.UserAgent)+len(m.Server) > len(b) {
			t.Errorf("%+v", m)
		}
		asAddress(b)
	})
}
