"""The public Flask app: chat, widget files, notice pages, health. It never sets a cookie."""
