"""An issue becomes messages: MJML, composition, transports."""
