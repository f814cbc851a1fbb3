# Installs a released deby on Windows: downloads its archive, compares the checksum, and puts deby.exe into a folder of the
# user's own, without an administrator's rights. An older deby is replaced only when all went well; nothing else is left
# behind. For Windows PowerShell 5.1 and PowerShell 7. The one archive runs on every x64 processor, and emulated on arm64.
#
# usage: powershell -ExecutionPolicy Bypass -File install.ps1 [-BaseUrl URL] [-Version VERSION] [-Dir FOLDER]
#   -BaseUrl URL      folder of the archives and SHA256SUMS; may hold {version}   (or DEBY_BASE_URL)
#   -Version VERSION  default: the release that this script belongs to, else the one in SHA256SUMS   (or DEBY_VERSION)
#   -Dir FOLDER       where deby goes, default %LOCALAPPDATA%\Programs\deby; it is added to the user's PATH
param(
  [string]$BaseUrl = $env:DEBY_BASE_URL,
  [string]$Version = $env:DEBY_VERSION,
  [string]$Dir
)

function Install-Deby([string]$BaseUrl, [string]$Version, [string]$Dir) {
  # Within this function only, since a script that is piped into a session would change the session.
  $ErrorActionPreference = 'Stop'
  # Windows PowerShell downloads many times as fast without its progress bar.
  $ProgressPreference = 'SilentlyContinue'
  Set-StrictMode -Off

  # Filled in by the release.
  $ReleaseVersion = ''
  $ReleaseBaseUrl = ''

  if (-not $BaseUrl) { $BaseUrl = $ReleaseBaseUrl }
  if (-not $BaseUrl) { throw 'Where to download from is not known: -BaseUrl URL' }
  if (-not $Version) { $Version = $ReleaseVersion }
  $Version = $Version -replace '^v', ''
  if ($Version -notmatch '^[0-9A-Za-z.+-]*$') { throw "-Version must be one such as 0.1.0, received $Version" }
  if ($BaseUrl.Contains('{version}') -and -not $Version) { throw 'The version is not known: -Version VERSION' }
  $BaseUrl = $BaseUrl.Replace('{version}', $Version).TrimEnd('/')
  if (-not $Dir) { $Dir = Join-Path $env:LOCALAPPDATA 'Programs\deby' }
  if (-not [Environment]::Is64BitOperatingSystem) { throw 'There is no deby for a 32-bit Windows' }

  # Windows PowerShell may offer no more than TLS 1.0 by itself.
  $tls = [Net.ServicePointManager]::SecurityProtocol
  [Net.ServicePointManager]::SecurityProtocol = $tls -bor [Net.SecurityProtocolType]::Tls12

  # .NET's idea of the working directory is not PowerShell's.
  $Dir = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Dir)
  [void][IO.Directory]::CreateDirectory($Dir)
  $target = Join-Path $Dir 'deby.exe'
  if (Test-Path -LiteralPath $target -PathType Container) { throw "$target is a folder" }
  Remove-Leftovers $Dir
  # In the target folder itself, since only within one volume is a move no copy.
  $work = [IO.Directory]::CreateDirectory((Join-Path $Dir ".deby-install-$PID")).FullName
  try {
    $sums = Join-Path $work 'SHA256SUMS'
    Save-File "$BaseUrl/SHA256SUMS" $sums
    $wanted = Find-Archive $sums $Version
    Write-Host "Downloading $($wanted.Name)"
    # Expand-Archive of Windows PowerShell insists on the extension.
    $archive = Join-Path $work 'archive.zip'
    Save-File "$BaseUrl/$($wanted.Name)" $archive
    $actual = (Get-FileHash -Algorithm SHA256 -LiteralPath $archive).Hash.ToLowerInvariant()
    if ($actual -ne $wanted.Sum) {
      throw "The checksum of $($wanted.Name) is wrong: not installed (expected $($wanted.Sum), received $actual)"
    }
    $unpacked = Join-Path $work 'unpacked'
    Expand-Archive -LiteralPath $archive -DestinationPath $unpacked
    $new = Join-Path $unpacked 'deby.exe'
    if (-not (Test-Path -LiteralPath $new -PathType Leaf)) { throw "$($wanted.Name) holds no deby.exe: not installed" }
    $toldVersion = & $new --version
    if ($LASTEXITCODE -ne 0) { throw "The downloaded deby does not run here: exit code $LASTEXITCODE" }
    Move-IntoPlace $new $target (Join-Path $work 'old.exe')
  } finally {
    # Runs after Ctrl-C too. An old deby that still runs cannot be removed yet; the next install does it.
    Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
  }
  Write-Host "Installed $target"
  Add-ToPath $Dir
  Write-Output $toldVersion
}

# What earlier installs left: killed ones, and the executables that ran while they were replaced.
function Remove-Leftovers([string]$Dir) {
  foreach ($left in @(Get-ChildItem -LiteralPath $Dir -Directory -Force -Filter '.deby-install-*')) {
    $owner = $left.Name -replace '^\.deby-install-', ''
    if ($owner -match '^\d+$' -and (Get-Process -Id $owner -ErrorAction SilentlyContinue)) { continue }
    Remove-Item -LiteralPath $left.FullName -Recurse -Force -ErrorAction SilentlyContinue
  }
}

function Save-File([string]$Url, [string]$File) {
  $attempts = 3
  for ($attempt = 1; ; $attempt++) {
    try {
      Invoke-WebRequest -Uri $Url -OutFile $File -UseBasicParsing -TimeoutSec 1800
      return
    } catch {
      if ($_.Exception.Response -and [int]$_.Exception.Response.StatusCode -eq 404) { throw "There is no $Url" }
      if ($attempt -ge $attempts) { throw "Cannot download $Url in $attempts attempts: $($_.Exception.Message)" }
      Start-Sleep -Seconds $attempt
    }
  }
}

# The archive's name and checksum.
function Find-Archive([string]$Sums, [string]$Version) {
  $found = $null
  foreach ($line in @(Get-Content -LiteralPath $Sums)) {
    if ($line -cmatch '^([0-9a-f]{64}) [ *](deby-(.+)-windows-x64\.zip)$') {
      if (-not $Version -or $Matches[3] -ceq $Version) { $found = @{ Sum = $Matches[1]; Name = $Matches[2] } }
    }
  }
  if ($found) { return $found }
  $asked = if ($Version) { $Version } else { '*' }
  throw "SHA256SUMS has no checksum of deby-$asked-windows-x64.zip: not installed"
}

# A running executable cannot be overwritten, but it can be moved aside.
function Move-IntoPlace([string]$New, [string]$Target, [string]$Aside) {
  $isUpgrade = Test-Path -LiteralPath $Target
  if ($isUpgrade) { [IO.File]::Move($Target, $Aside) }
  try {
    [IO.File]::Move($New, $Target)
  } catch {
    if ($isUpgrade) { [IO.File]::Move($Aside, $Target) }
    throw
  }
}

# Adds the folder to the user's PATH, whose references to other variables stay as they are, and to this session's.
function Add-ToPath([string]$Dir) {
  if (($env:Path -split ';') -notcontains $Dir) { $env:Path = "$env:Path;$Dir" }
  $key = Get-Item -LiteralPath 'HKCU:\Environment'
  $path = $key.GetValue('Path', '', [Microsoft.Win32.RegistryValueOptions]::DoNotExpandEnvironmentNames)
  $expanded = [Environment]::ExpandEnvironmentVariables($path)
  if (($expanded -split ';') -contains $Dir) { return }
  $longer = (@($path -split ';' | Where-Object { $_ }) + $Dir) -join ';'
  New-ItemProperty -LiteralPath $key.PSPath -Name 'Path' -Value $longer -PropertyType ExpandString -Force | Out-Null
  # Changing any variable in this way tells running programs, such as the desktop, to read them again.
  $signal = "deby-$([guid]::NewGuid())"
  [Environment]::SetEnvironmentVariable($signal, '1', 'User')
  [Environment]::SetEnvironmentVariable($signal, [NullString]::Value, 'User')
  Write-Host "Added $Dir to your PATH: new terminals find deby"
}

Install-Deby $BaseUrl $Version $Dir
