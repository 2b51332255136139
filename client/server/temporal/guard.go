package main

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
)

const cookieName = "sam-mil-ui"

// policy replaces the one that the UI drops below a base path: nothing is sent to another origin.
const policy = "connect-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'self'; object-src 'none'"

// guard lets only the owner through: whoever opened the URL with the token, which is in a file of mode 600.
type guard struct {
	// base is a random path. Browsers send a cookie of 127.0.0.1 to every port of it, so a cookie for all
	// paths would go to servers of other accounts as well.
	base    string
	token   string
	session string
	hosts   []string
}

func newGuard(port string) *guard {
	return &guard{
		base:    "/" + randomText(),
		token:   randomText(),
		session: randomText(),
		hosts:   []string{loopback + ":" + port, "localhost:" + port},
	}
}

func (g *guard) protect(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		response.Header().Set("Referrer-Policy", "no-referrer")
		response.Header().Set("X-Content-Type-Options", "nosniff")
		response.Header().Set("Content-Security-Policy", policy)
		switch {
		case !slices.Contains(g.hosts, request.Host), g.foreign(request):
			http.Error(response, "refused", http.StatusForbidden)
		case g.hasToken(request):
			g.admit(response, request)
		case !g.admitted(request):
			http.Error(response, "open the URL that `npx sam-mil server` prints", http.StatusUnauthorized)
		default:
			inner.ServeHTTP(response, request)
		}
	})
}

// foreign reports whether another site sent the request.
func (g *guard) foreign(request *http.Request) bool {
	if site := request.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return true
	}
	origin := request.Header.Get("Origin")
	if origin == "" {
		return request.Method != http.MethodGet && request.Method != http.MethodHead
	}
	host, found := strings.CutPrefix(origin, "http://")
	return !found || !slices.Contains(g.hosts, host)
}

func (g *guard) hasToken(request *http.Request) bool {
	atBase := request.Method == http.MethodGet && request.URL.Path == g.base+"/"
	return atBase && same(request.URL.Query().Get("token"), g.token)
}

func (g *guard) admit(response http.ResponseWriter, request *http.Request) {
	http.SetCookie(response, &http.Cookie{
		Name:     cookieName,
		Value:    g.session,
		Path:     g.base + "/",
		HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	})
	response.Header().Set("Cache-Control", "no-store")
	http.Redirect(response, request, g.base+"/", http.StatusSeeOther)
}

func (g *guard) admitted(request *http.Request) bool {
	cookie, err := request.Cookie(cookieName)
	return err == nil && same(cookie.Value, g.session) && strings.HasPrefix(request.URL.Path, g.base+"/")
}

func same(given string, expected string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(expected)) == 1
}
