"""Where records become keys and bytes. Functions take ``tr`` first; services and handlers open transactions."""
