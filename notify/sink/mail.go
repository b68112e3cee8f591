package sink

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	mail "github.com/wneessen/go-mail"

	"nightjar/notify"
)

// mailText is the body: plain text, which no program takes for HTML.
func mailText(t *telling) string {
	return strings.Join(append(details(t), "", t.first().About.URL, ""), "\r\n")
}

// mail sends an e-mail. Its id is that of the news, so that a program for mail shows one
// that came twice once.
func (t Teller) mail(ctx context.Context, what *telling) notify.Outcome {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := errors.Join(m.From(what.target.From), m.To(what.target.To...)); err != nil {
		return notify.Outcome{Answer: err.Error(), Refused: true}
	}
	m.Subject(subject(what))
	m.SetMessageIDWithValue(what.key + "@nightjar")
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetDateWithValue(what.now)
	m.SetBodyString(mail.TypeTextPlain, mailText(what))
	host, port, err := net.SplitHostPort(what.target.Server)
	if err != nil {
		return notify.Outcome{Answer: "the server is no host:port", Refused: true}
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return notify.Outcome{Answer: "the server's port is no number", Refused: true}
	}
	config := t.Client.TLS()
	config.ServerName = host
	options := []mail.Option{mail.WithPort(number), mail.WithTLSConfig(config), mail.WithDialContextFunc(t.Client.Dial), mail.WithTimeout(20 * time.Second), mail.WithHELO("nightjar")}
	switch what.target.TLS {
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	case "tls":
		options = append(options, mail.WithSSL())
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if what.target.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(what.target.User), mail.WithPassword(what.secret))
	}
	c, err := mail.NewClient(host, options...)
	if err != nil {
		return notify.Outcome{Answer: line(err.Error(), maxAnswer), Refused: true}
	}
	if err := c.DialAndSendWithContext(ctx, m); err != nil {
		var e *mail.SendError
		return notify.Outcome{Answer: why(err), Refused: errors.As(err, &e) && !e.IsTemp() && e.ErrorCode() >= 500}
	}
	return notify.Outcome{Done: true, Answer: "accepted by " + what.target.Server}
}
