"""The view model, without Qt: viewport, wanted tiles, composed frames, overlay."""
