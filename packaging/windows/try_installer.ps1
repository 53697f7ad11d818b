# Install, use and remove the real program on Windows:
#
#     packaging/windows/try_installer.ps1 -Installer dist\bachview-1.0-windows-x64.exe
#
# What wine cannot show and this does: Windows' own registry view, its types of files and rights. For
# a computer on which bachview is not installed; per machine it needs an administrator.
param([Parameter(Mandatory)] [string] $Installer)
$ErrorActionPreference = "Stop"
$Entry = "Software\Microsoft\Windows\CurrentVersion\Uninstall\bachview"

function Invoke-Program([string] $Program, [string[]] $Arguments) {
    (Start-Process -FilePath $Program -ArgumentList $Arguments -Wait -PassThru).ExitCode
}

function Assert-That([string] $What, [bool] $Holds) {
    if (-not $Holds) { throw "not so: $What" }
    Write-Host "ok    $What"
}

foreach ($mode in @(@("/CurrentUser", "HKCU:"), @("/AllUsers", "HKLM:"))) {
    $flag, $root = $mode
    Assert-That "$flag installs silently" ((Invoke-Program $Installer @("/S", $flag)) -eq 0)
    $folder = (Get-ItemProperty "$root\$Entry").InstallLocation
    $results = Join-Path $env:LOCALAPPDATA "bachview\results"
    Assert-That "the class of .svs" (Test-Path "$root\Software\Classes\bachview.svs\shell\open\command")
    & "$folder\bachview.exe" --version
    Assert-That "the command line runs" ($LASTEXITCODE -eq 0)
    & "$folder\bachview.exe" selftest
    Assert-That "the self-test holds" ($LASTEXITCODE -eq 0)

    $viewer = Start-Process -FilePath "$folder\bachview-viewer.exe" -PassThru
    Start-Sleep -Seconds 15
    Assert-That "the window stays open" (-not $viewer.HasExited)
    Assert-That "it has a title" ($viewer.MainWindowTitle -ne "" -or (Get-Process -Id $viewer.Id).MainWindowTitle -ne "")
    Assert-That "an upgrade is refused meanwhile" ((Invoke-Program $Installer @("/S", $flag)) -eq 11)
    [void] $viewer.CloseMainWindow()
    Assert-That "it closes" ($viewer.WaitForExit(20000))

    Assert-That "it is installed again in place" ((Invoke-Program $Installer @("/S", $flag)) -eq 0)
    New-Item -ItemType Directory -Force $results | Out-Null
    Set-Content (Join-Path $results "kept.txt") "kept"
    # With _?= it can be waited for, and leaves only itself behind.
    Assert-That "it is removed" ((Invoke-Program "$folder\uninstall.exe" @("/S", "_?=$folder")) -eq 0)
    Assert-That "its entry is gone" (-not (Test-Path "$root\$Entry"))
    Assert-That "its class is gone" (-not (Test-Path "$root\Software\Classes\bachview.svs"))
    Assert-That "results stay" (Test-Path (Join-Path $results "kept.txt"))
    Remove-Item (Join-Path $results "kept.txt")
}
