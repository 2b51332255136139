package main

import (
	"crypto/rand"
	"encoding/hex"
	"io/fs"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/temporalio/ui-server/v2/server/api"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/headers"
	"github.com/temporalio/ui-server/v2/server/route"
	"github.com/temporalio/ui-server/v2/ui"
)

// webUI serves Temporal's Web UI behind a guard.
type webUI struct {
	listener net.Listener
	guard    *guard
}

// listenForUI opens the port, without serving yet. Returns nil if no UI is wanted.
func listenForUI(chosen options) (*webUI, error) {
	if !chosen.ui {
		return nil, nil
	}
	listener, err := net.Listen("tcp", address(chosen.uiPort))
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, err
	}
	return &webUI{listener, newGuard(port)}, nil
}

// url opens the UI for whoever knows it.
func (w *webUI) url() string {
	return "http://" + w.listener.Addr().String() + w.guard.base + "/?token=" + w.guard.token
}

func (w *webUI) serve(frontend string, certificates *certificates) error {
	handler, err := newUIHandler(w.guard.base, frontend, certificates)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: w.guard.protect(handler), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(w.listener)
	return nil
}

// newUIHandler assembles the routes of the UI's server, except those for signing in with a provider.
func newUIHandler(base string, frontend string, certificates *certificates) (http.Handler, error) {
	credential, err := certificates.forUI()
	if err != nil {
		return nil, err
	}
	provider, err := uiconfig.NewConfigProviderWithRefresh(&uiconfig.Config{
		TemporalGRPCAddress: frontend,
		TLS:                 credential,
		DefaultNamespace:    "default",
		DisableNewsFetch:    true,
		EnableUI:            true,
		PublicPath:          base,
	})
	if err != nil {
		return nil, err
	}
	all, err := ui.Assets()
	if err != nil {
		return nil, err
	}
	assets, err := fs.Sub(all, "local")
	if err != nil {
		return nil, err
	}
	router := echo.New()
	router.Pre(route.PublicPath(base))
	if err := route.SetAPIRoutes(router, provider, []api.Middleware{
		headers.WithForwardHeaders([]string{"Caller-Type"}),
	}); err != nil {
		return nil, err
	}
	if err := route.SetUIRoutes(router, base, assets); err != nil {
		return nil, err
	}
	route.SetRenderRoute(router, "/")
	return router, nil
}

func randomText() string {
	bytes := make([]byte, 16)
	// Never fails; ends the process instead.
	rand.Read(bytes)
	return hex.EncodeToString(bytes)
}
